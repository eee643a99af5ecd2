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

GRANT SELECT, UPDATE ON partition TO foremend_worker;
GRANT SELECT ON partition TO foremend_relay, foremend_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON refusal, refusal_day TO foremend_worker;
GRANT SELECT ON refusal, refusal_day TO foremend_api;
GRANT UPDATE (replays, replayed_at, replayed_by, replayed_seq) ON refusal TO foremend_api;
