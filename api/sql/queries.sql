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
