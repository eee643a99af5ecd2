-- What ingest keeps beside the readings: who reads the log and how far, and what could not be kept.
-- The class tables are rendered by ingest/layout.py.

-- A partition is a span of the log's 64 slots, owned by one worker at a time. The row elects (lease), fences (epoch)
-- and is the only truth about how far the log was read (cursor). It starts as one partition with all slots.
CREATE TABLE partition (
    first_slot smallint PRIMARY KEY,
    last_slot smallint NOT NULL,
    epoch bigint NOT NULL DEFAULT 0,
    owner text,
    lease_until timestamptz,
    cursor bigint NOT NULL DEFAULT 0,
    cursor_at timestamptz,
    cursor_received_at timestamptz,    -- when the log received the message at the cursor: whether it is still the same one
    log_made text                      -- which log the cursor counts in: when the stream was created; NULL: none yet
);
INSERT INTO partition (first_slot, last_slot) VALUES (0, 63);

CREATE TABLE refusal (
    refusal_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text NOT NULL,           -- '' where even the topic did not say
    device_no integer,
    seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    topic text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    ts timestamptz,
    metric text,
    payload bytea NOT NULL,
    key bytea NOT NULL UNIQUE,         -- of what was refused and why, on one day: who says it again adds no row
    device_id text NOT NULL,           -- as the topic says it, registered or not; '' where it says none
    seen integer NOT NULL DEFAULT 1,
    last_seq bigint NOT NULL,
    last_seen_at timestamptz NOT NULL,
    replays integer NOT NULL DEFAULT 0,
    replayed_at timestamptz,
    replayed_by text,
    replayed_seq bigint                -- where in the log its bytes are again; refused once more if last_seq is there
);
CREATE INDEX refusal_listed ON refusal (tenant_id, refusal_no DESC);
CREATE INDEX refusal_reason ON refusal (tenant_id, reason, refusal_no DESC);
CREATE INDEX refusal_seq ON refusal (seq);
CREATE INDEX refusal_sender ON refusal (tenant_id, device_id, refusal_no);
SELECT protect('refusal');

-- How much was refused of a sender on a day of the log, stored or not; '' stands for all strangers of a tenant together.
-- Days beyond those of the refusals are one row, 1970-01-01.
CREATE TABLE refusal_day (
    tenant_id text NOT NULL,
    device_id text NOT NULL,
    day date NOT NULL,
    refused bigint NOT NULL,
    refused_metrics bigint NOT NULL,
    stored integer NOT NULL DEFAULT 0,
    stored_bytes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, device_id, day)
);
CREATE INDEX refusal_day_old ON refusal_day (day);
SELECT protect('refusal_day');

-- Up to which hour the readings of a class are aggregated. A batch shares a lock on the row until it commits, so that
-- no hour is sealed while somebody writes into it.
CREATE TABLE sealing (
    class_id text PRIMARY KEY,
    sealed_to timestamptz NOT NULL
);

-- Hours of devices below it that are not aggregated yet, or to which something came since: read from the readings.
CREATE TABLE stale_hour (
    device_no integer NOT NULL,
    hour timestamptz NOT NULL,
    class_id text NOT NULL,
    PRIMARY KEY (device_no, hour)
);
CREATE INDEX stale_hour_oldest ON stale_hour (class_id, hour);
CREATE VIEW tenant_stale_hour WITH (security_barrier) AS
    SELECT device.tenant_id, stale.device_no, stale.hour FROM stale_hour AS stale JOIN device USING (device_no);

-- An edge node of Sparkplug: how far it counted, whether it lives, and whether it must say its births again.
CREATE TABLE sparkplug_node (
    tenant_id text NOT NULL,
    group_id text NOT NULL,
    node_id text NOT NULL,
    last_seq smallint,                 -- of its messages; NULL: no session
    last_sent_ms bigint,               -- by its own clock, which may say anything
    online boolean NOT NULL,
    since timestamptz,                 -- online or not; this and all that follow are the log's times
    born_at timestamptz,
    lacking boolean NOT NULL,          -- something was missing since it was born, or its birth itself
    rebirth_wanted_at timestamptz,
    rebirth_asked_for timestamptz,     -- the wish (rebirth_wanted_at) that the relay has sent on
    PRIMARY KEY (tenant_id, group_id, node_id)
);
CREATE INDEX sparkplug_node_lacking ON sparkplug_node (rebirth_wanted_at) WHERE lacking;
SELECT protect('sparkplug_node');

-- What births of edge nodes and of their devices say, by the message of the log from which on it holds: whoever reads the
-- log again from an earlier place understands it as it was understood then.
CREATE TABLE sparkplug_birth (
    tenant_id text NOT NULL,
    group_id text NOT NULL,
    node_id text NOT NULL,
    device_id text NOT NULL,           -- '': the edge node itself
    seq bigint NOT NULL,
    superseded_seq bigint,             -- from where on the next one holds
    received_at timestamptz NOT NULL,
    born boolean NOT NULL,             -- or dead
    bd_seq bigint,
    sent_ms bigint,
    since_ms bigint NOT NULL,          -- aliases mean since then what they mean now
    metrics bytea NOT NULL,            -- JSON; names may hold what jsonb does not take
    PRIMARY KEY (tenant_id, group_id, node_id, device_id, seq)
);
CREATE INDEX sparkplug_birth_superseded ON sparkplug_birth (superseded_seq) WHERE superseded_seq IS NOT NULL;
SELECT protect('sparkplug_birth');

GRANT SELECT, UPDATE ON partition TO foremend_worker;
GRANT SELECT, UPDATE ON sealing TO foremend_worker;
GRANT SELECT ON sealing TO foremend_relay, foremend_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON stale_hour TO foremend_worker;
GRANT SELECT ON tenant_stale_hour TO foremend_relay, foremend_api;
GRANT SELECT ON partition TO foremend_relay, foremend_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON refusal, refusal_day TO foremend_worker;
GRANT SELECT ON refusal, refusal_day TO foremend_api;
GRANT UPDATE (replays, replayed_at, replayed_by, replayed_seq) ON refusal TO foremend_api;
GRANT SELECT, INSERT, UPDATE ON sparkplug_node TO foremend_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON sparkplug_birth TO foremend_worker;
GRANT SELECT, UPDATE (rebirth_asked_for) ON sparkplug_node TO foremend_relay;
GRANT SELECT ON sparkplug_node, sparkplug_birth TO foremend_api;

-- Who of the devices is there: a row since it was first heard, written when that changes and not before.
CREATE TABLE presence (
    device_no integer PRIMARY KEY REFERENCES device,
    tenant_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('ONLINE', 'OFFLINE', 'AWAITED', 'ASLEEP')),
    since timestamptz NOT NULL,
    cause text,
    until timestamptz,                 -- asleep: when it means to speak again
    broker text                        -- of another broker's devices: which one they came from
);
CREATE INDEX presence_state ON presence (tenant_id, state);
CREATE INDEX presence_awaited ON presence (device_no) WHERE state = 'AWAITED';
CREATE INDEX presence_broker ON presence (tenant_id, broker) WHERE broker IS NOT NULL;
SELECT protect('presence');

-- An outage is one fact: of a device, of a gateway, site or broker with what stands behind it, or of ourselves ('' as tenant).
CREATE TABLE outage (
    outage_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('DEVICE', 'GATEWAY', 'SITE', 'BROKER', 'OURSELVES')),
    subject text NOT NULL,
    device_no integer REFERENCES device,
    cause text NOT NULL CHECK (cause IN ('LAST_WILL', 'SILENCE', 'DEATH', 'DISCONNECTED', 'LOG_DOWN', 'LOG_FULL', 'WORKER_DOWN')),
    since timestamptz NOT NULL,
    noticed_at timestamptz NOT NULL,
    until timestamptz,
    patience_ms bigint,                -- for how long it may be silent before anybody thinks of an outage
    parent_id uuid REFERENCES outage ON DELETE SET NULL,
    children integer NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX outage_open ON outage (tenant_id, kind, subject) WHERE until IS NULL;
CREATE UNIQUE INDEX outage_of_device ON outage (device_no) WHERE until IS NULL;
CREATE INDEX outage_listed ON outage (tenant_id, since DESC, outage_id DESC);
CREATE INDEX outage_kind ON outage (tenant_id, kind, since DESC, outage_id DESC) WHERE kind <> 'DEVICE';
CREATE INDEX outage_history ON outage (device_no, since DESC);
CREATE INDEX outage_parent ON outage (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX outage_ended ON outage (until) WHERE until IS NOT NULL;
SELECT protect('outage');
CREATE POLICY ours ON outage FOR SELECT TO foremend_api USING (tenant_id = '');

-- What the bridges last said of the brokers that they join; `slot`: whose worker reads what they say.
CREATE TABLE bridge (
    tenant_id text NOT NULL,
    bridge_id text NOT NULL,
    broker text NOT NULL,
    slot integer NOT NULL,
    connected boolean NOT NULL,
    since timestamptz NOT NULL,
    heard_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, bridge_id)
);
SELECT protect('bridge');

-- Since when devices can reach us without a gap, and until when a partition's worker knows that; its sign of life.
CREATE TABLE listening (
    first_slot smallint PRIMARY KEY,
    since timestamptz NOT NULL,
    heard_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON presence, outage, bridge, listening TO foremend_worker;
GRANT SELECT ON presence, outage, bridge, listening TO foremend_relay, foremend_api;

-- What devices said of their twins, in the log's order, until the relay has taken it.
CREATE TABLE device_answer (
    answer_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text NOT NULL,
    device_no integer NOT NULL REFERENCES device,
    seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    about text NOT NULL CHECK (about IN ('reported', 'result')),
    body jsonb NOT NULL,
    set_aside text                     -- the error for which it could not be taken
);
CREATE INDEX device_answer_waiting ON device_answer (answer_no) WHERE set_aside IS NULL;
CREATE INDEX device_answer_set_aside ON device_answer (tenant_id) WHERE set_aside IS NOT NULL;
CREATE INDEX device_answer_old ON device_answer (received_at) WHERE set_aside IS NOT NULL;
SELECT protect('device_answer');

GRANT SELECT, INSERT ON device_answer TO foremend_worker;
GRANT SELECT, UPDATE, DELETE ON device_answer TO foremend_relay;
GRANT SELECT ON device_answer TO foremend_api;
