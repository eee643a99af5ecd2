SET LOCAL lock_timeout = '5s';
-- Edge nodes of Sparkplug: their births, by which their data are understood, and their sessions.
CREATE TABLE sparkplug_node (
    tenant_id text NOT NULL,
    group_id text NOT NULL,
    node_id text NOT NULL,
    last_seq smallint,
    last_sent_ms bigint,
    online boolean NOT NULL,
    since timestamptz,
    born_at timestamptz,
    lacking boolean NOT NULL,
    rebirth_wanted_at timestamptz,
    rebirth_asked_for timestamptz,
    PRIMARY KEY (tenant_id, group_id, node_id)
);
CREATE INDEX sparkplug_node_lacking ON sparkplug_node (rebirth_wanted_at) WHERE lacking;
SELECT protect('sparkplug_node');

CREATE TABLE sparkplug_birth (
    tenant_id text NOT NULL,
    group_id text NOT NULL,
    node_id text NOT NULL,
    device_id text NOT NULL,
    seq bigint NOT NULL,
    superseded_seq bigint,
    received_at timestamptz NOT NULL,
    born boolean NOT NULL,
    bd_seq bigint,
    sent_ms bigint,
    since_ms bigint NOT NULL,
    metrics bytea NOT NULL,
    PRIMARY KEY (tenant_id, group_id, node_id, device_id, seq)
);
CREATE INDEX sparkplug_birth_superseded ON sparkplug_birth (superseded_seq) WHERE superseded_seq IS NOT NULL;
SELECT protect('sparkplug_birth');

GRANT SELECT, INSERT, UPDATE ON sparkplug_node TO foremend_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON sparkplug_birth TO foremend_worker;
GRANT SELECT, UPDATE (rebirth_asked_for) ON sparkplug_node TO foremend_relay;
GRANT SELECT ON sparkplug_node, sparkplug_birth TO foremend_api;
