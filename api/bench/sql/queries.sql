-- name: set_cursor
-- The worker begins at the log's head: what earlier runs published is not its business.
UPDATE partition SET cursor = %(cursor)s, cursor_received_at = NULL

-- name: read_partition
-- How far the worker is, and whether it has begun.
SELECT epoch, cursor FROM partition

-- name: count_missing
-- Readings that were published, or of those only the acknowledged, and are not in the record.
SELECT count(*)
FROM unnest(%(device)s::text[], %(first_ms)s::bigint[], %(step_ms)s::bigint[], %(count)s::bigint[])
        AS sent (device_id, first_ms, step_ms, count)
JOIN device ON device.tenant_id = %(tenant_id)s AND device.device_id = sent.device_id
CROSS JOIN generate_series(0, sent.count - 1) AS i
LEFT JOIN reading_cold_room AS kept
    ON kept.device_no = device.device_no AND kept.ts = to_timestamp((sent.first_ms + i * sent.step_ms) / 1000.0)
WHERE kept.seq IS NULL

-- name: count_kept
-- Rows in the record, and how many messages they came from: each message carried one reading.
SELECT count(*), count(DISTINCT seq) FROM reading_cold_room

-- name: count_refused
-- What was refused instead, however often; a reading that came twice with another value would be here.
SELECT coalesce(sum(refused + refused_metrics), 0)::bigint FROM refusal_day

-- name: read_commits
-- Of each reading of the load its device, its time and when it was committed.
SELECT array_agg(substr(device_id, 7)::bigint), array_agg((extract(epoch FROM ts) * 1000)::bigint),
       array_agg(extract(epoch FROM pg_xact_commit_timestamp(kept.xmin))::float8)
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
ANALYZE device, reading_cold_room
