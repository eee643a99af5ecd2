-- name: set_cursor
-- The worker begins at the log's head: what earlier runs published is not its business.
UPDATE partition SET cursor = %(cursor)s, cursor_received_at = NULL

-- name: read_partition
-- How far the worker is, and whether it has begun.
SELECT epoch, cursor FROM partition

-- name: balance
-- Where the readings are that were published: of the acknowledged those in the record, those refused, those nowhere; and
-- how many of all are anywhere. Each message carried one reading, each refusal is of a whole message.
WITH sent AS (
    SELECT device_no, to_timestamp((first_ms + i * step_ms) / 1000.0) AS ts, i < acknowledged AS acknowledged
    FROM unnest(%(device)s::text[], %(first_ms)s::bigint[], %(step_ms)s::bigint[], %(published)s::bigint[],
                %(acknowledged)s::bigint[]) AS said (device_id, first_ms, step_ms, published, acknowledged)
    JOIN device ON device.tenant_id = %(tenant_id)s AND device.device_id = said.device_id
    CROSS JOIN generate_series(0, published - 1) AS i
), refused AS (SELECT DISTINCT device_no, ts FROM refusal WHERE metric IS NULL)
SELECT count(*) FILTER (WHERE acknowledged AND kept.seq IS NOT NULL),
       count(*) FILTER (WHERE acknowledged AND refused.ts IS NOT NULL),
       count(*) FILTER (WHERE acknowledged AND kept.seq IS NULL AND refused.ts IS NULL),
       count(*) FILTER (WHERE kept.seq IS NOT NULL OR refused.ts IS NOT NULL)
FROM sent LEFT JOIN reading_cold_room AS kept USING (device_no, ts) LEFT JOIN refused USING (device_no, ts)

-- name: count_kept
-- Rows of these devices, in the record and among the refusals: one for each message, if none is there twice.
SELECT (SELECT count(*) FROM reading_cold_room JOIN device USING (device_no)
        WHERE tenant_id = %(tenant_id)s AND device_id = ANY(%(device)s::text[]))
     + (SELECT count(*) FROM refusal WHERE tenant_id = %(tenant_id)s AND device_id = ANY(%(device)s::text[]))

-- name: read_commits
-- Of each reading of the load its device, its time, when it was committed and when the log had it.
SELECT array_agg(substr(device_id, 7)::bigint), array_agg((extract(epoch FROM ts) * 1000)::bigint),
       array_agg(extract(epoch FROM pg_xact_commit_timestamp(kept.xmin))::float8),
       array_agg(extract(epoch FROM received_at)::float8)
FROM reading_cold_room AS kept JOIN device USING (device_no)

-- name: read_alerts
-- When the breaches' alerts were raised; their own rows are written again when they are asked about.
SELECT device_id, extract(epoch FROM pg_xact_commit_timestamp(event.xmin))::float8
FROM event JOIN alert ON alert_id::text = subject_id JOIN device USING (device_no) WHERE kind = 'alert.raised'

-- name: count_alerts
-- How many breaches were noticed.
SELECT count(*) FROM alert

-- name: register_tenant
-- Whose devices the load's are.
INSERT INTO tenant VALUES (%(tenant_id)s, %(tenant_id)s)

-- name: register_devices
-- A fleet at once: how devices are registered one by one is measured elsewhere.
INSERT INTO device (tenant_id, device_id, class_id, model, serial, label_token, registered_at)
SELECT %(tenant_id)s, name, %(class_id)s, 'bench', name, md5(name), now()
FROM (SELECT %(prefix)s || lpad(number::text, %(digits)s, '0') AS name FROM generate_series(1, %(count)s) AS number) AS named

-- name: count_sizes
-- The planner knows nothing yet of tables that were filled a moment ago, and guesses badly.
ANALYZE device, reading_cold_room, refusal

-- name: read_commit_times
-- Without them nobody can say how long a message took.
SHOW track_commit_timestamp

-- name: list_roles
-- Which of the house's roles a server has already: a house may live there.
SELECT rolname FROM pg_roles WHERE rolname = ANY(%(roles)s)

-- name: find_stale_hour
-- What was published of the past still costs the worker something.
SELECT 1 FROM stale_hour LIMIT 1
