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
    payload bytea NOT NULL
);
CREATE INDEX refusal_listed ON refusal (tenant_id, refusal_no DESC);
CREATE INDEX refusal_seq ON refusal (seq);
SELECT protect('refusal');

GRANT SELECT, UPDATE ON partition TO foremend_worker;
GRANT SELECT ON partition TO foremend_relay, foremend_api;
GRANT SELECT, INSERT ON refusal TO foremend_worker;
GRANT SELECT ON refusal TO foremend_api;
