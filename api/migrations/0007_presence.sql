SET LOCAL lock_timeout = '5s';
-- Presence: where a device stands, who of the devices is there, and outages as facts.
ALTER TABLE device ADD COLUMN gateway_no integer REFERENCES device, ADD COLUMN site text;
ALTER TABLE device ADD CONSTRAINT device_gateway_no_check CHECK (gateway_no <> device_no);
CREATE INDEX device_gateway ON device (gateway_no) WHERE gateway_no IS NOT NULL;
CREATE INDEX device_site ON device (tenant_id, site) WHERE site IS NOT NULL;

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
