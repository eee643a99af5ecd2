SET LOCAL lock_timeout = '5s';
-- Refusals get a key, by which a repeat adds none, and know what became of them; their counts get a table of their own.
-- The owner is under row-level security too, so it is lifted while old rows are filled in.
ALTER TABLE refusal NO FORCE ROW LEVEL SECURITY;
ALTER TABLE refusal
    ADD COLUMN key bytea,
    ADD COLUMN device_id text,
    ADD COLUMN seen integer NOT NULL DEFAULT 1,
    ADD COLUMN last_seq bigint,
    ADD COLUMN last_seen_at timestamptz,
    ADD COLUMN replays integer NOT NULL DEFAULT 0,
    ADD COLUMN replayed_at timestamptz,
    ADD COLUMN replayed_by text,
    ADD COLUMN replayed_seq bigint;
UPDATE refusal SET
    key = sha256(refusal_no::text::bytea),
    device_id = CASE WHEN topic ~ '^fm/[^/]*/[A-Za-z0-9_-]{1,64}/' THEN split_part(topic, '/', 3) ELSE '' END,
    last_seq = seq,
    last_seen_at = received_at;
ALTER TABLE refusal
    ALTER COLUMN key SET NOT NULL,
    ALTER COLUMN device_id SET NOT NULL,
    ALTER COLUMN last_seq SET NOT NULL,
    ALTER COLUMN last_seen_at SET NOT NULL,
    ADD UNIQUE (key);
CREATE INDEX refusal_sender ON refusal (tenant_id, device_id, refusal_no);

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
INSERT INTO refusal_day
SELECT tenant_id, device_id, (received_at AT TIME ZONE 'UTC')::date, count(*) FILTER (WHERE metric IS NULL),
       count(*) FILTER (WHERE metric IS NOT NULL), count(*), sum(length(payload))
FROM refusal WHERE device_no IS NOT NULL GROUP BY 1, 2, 3;
ALTER TABLE refusal FORCE ROW LEVEL SECURITY;
SELECT protect('refusal_day');

GRANT UPDATE, DELETE ON refusal TO foremend_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON refusal_day TO foremend_worker;
GRANT SELECT ON refusal_day TO foremend_api;
GRANT UPDATE (replays, replayed_at, replayed_by, replayed_seq) ON refusal TO foremend_api;
