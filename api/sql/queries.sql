-- name: lock_schema
-- Two processes that apply the schema at once take turns; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('foremend schema', 0))

-- name: find_timescale
-- Whether this server has TimescaleDB to offer.
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')

-- name: create_timescale
-- Only a superuser can, so it is done before the owner's statements.
CREATE EXTENSION IF NOT EXISTS timescaledb

-- name: let_jobs_run
-- TimescaleDB's jobs run as the tables' owner and only if it may log in. Nobody can as it all the same: background
-- workers are not counted against the limit, connections are.
ALTER ROLE foremend_owner LOGIN PASSWORD NULL CONNECTION LIMIT 0

-- name: list_jobs
-- What TimescaleDB does by itself with our tables, and after how many seconds.
SELECT hypertable_name, proc_name,
       extract(epoch FROM coalesce(config ->> 'compress_after', config ->> 'drop_after')::interval)::bigint
FROM timescaledb_information.jobs
WHERE hypertable_schema = 'public' AND proc_name IN ('policy_compression', 'policy_retention')

-- name: list_compressed
-- Tables whose old chunks are compressed.
SELECT hypertable_name FROM timescaledb_information.hypertables WHERE hypertable_schema = 'public' AND compression_enabled

-- name: find_timescale_in_use
-- Whether this database forgets by dropping chunks.
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')

-- name: find_version_table
-- Whether this database was ever given a schema of ours.
SELECT to_regclass('public.schema_version') IS NOT NULL

-- name: read_version
-- The newest version that was applied.
SELECT max(version) FROM schema_version

-- name: list_versions
-- Which steps were taken, or were in the schema from the start.
SELECT version FROM schema_version

-- name: add_version
-- Write down what was applied.
INSERT INTO schema_version (version) VALUES (%(version)s)

-- name: count_devices_by_class
-- What classes the catalogue must have.
SELECT class_id, count(*) FROM device GROUP BY class_id ORDER BY class_id

-- name: write_password_statement
-- A role's password is part of a statement's text; the server quotes it.
SELECT format('ALTER ROLE %%I PASSWORD %%L', %(role)s::text, %(hashed)s::text)

-- name: become_owner
-- Everything is owned by a role as which nobody can log in and that cannot bypass row-level security.
SET LOCAL ROLE foremend_owner

-- name: list_columns
-- The class tables and their aggregates as they are, for what the catalogue has beyond them.
SELECT table_name, column_name, data_type FROM information_schema.columns
WHERE table_schema = 'public' AND table_name ~ '^(reading|hours|quarters|minutes)_'
ORDER BY table_name, ordinal_position

-- name: read_progress
-- How far the log was read, all partitions taken together.
SELECT min(cursor) FROM partition

-- name: lease_desired
-- Desired states that are to be said, the longest waiting first, held for a moment so that two relays never say one at
-- once: those that are new, and of devices that may be there those that they did not answer, at once when they come back.
UPDATE twin AS t SET say_at = %(until)s, said_at = CASE WHEN t.says > 0 THEN %(now)s ELSE t.said_at END
FROM (SELECT w.device_no FROM twin AS w LEFT JOIN presence AS p USING (device_no)
      WHERE w.say_at IS NOT NULL
        AND ((w.says = 0 AND w.say_at <= %(now)s)
             OR (coalesce(p.state, 'ONLINE') IN ('ONLINE', 'AWAITED')
                 AND (w.say_at <= %(now)s OR (p.since > w.said_at AND w.says > 0))))
      ORDER BY w.say_at LIMIT %(limit)s FOR UPDATE OF w SKIP LOCKED) AS due
JOIN device AS d USING (device_no)
WHERE t.device_no = due.device_no
RETURNING t.tenant_id, d.device_id, t.device_no, t.version, t.desired, t.says, d.state

-- name: lease_commands
-- Commands that are to be sent to devices that may be there: of each device the oldest that is not over, when it is due, or
-- at once when the device came back since it was sent.
UPDATE command AS c SET send_at = %(until)s, sent_at = CASE WHEN c.sends > 0 THEN %(now)s ELSE c.sent_at END
FROM (SELECT w.command_id FROM command AS w LEFT JOIN presence AS p USING (device_no)
      WHERE w.send_at IS NOT NULL AND w.expires_at > %(now)s AND coalesce(p.state, 'ONLINE') IN ('ONLINE', 'AWAITED')
        AND (w.send_at <= %(now)s OR p.since > w.sent_at)
        AND NOT EXISTS (SELECT FROM command AS e WHERE e.device_no = w.device_no AND e.state IN ('QUEUED', 'SENT')
                                                   AND e.position < w.position)
      ORDER BY w.send_at LIMIT %(limit)s FOR UPDATE OF w SKIP LOCKED) AS due
WHERE c.command_id = due.command_id
RETURNING c.device_no, c.command_id
