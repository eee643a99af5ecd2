-- name: read_settings
-- What decides for all whether a commit survives, and how many may connect.
SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'max_connections')

-- name: read_commit
-- Whether the commits of who asks wait for the disk.
SELECT current_setting('synchronous_commit')

-- name: find_extension
-- TimescaleDB: its version if it is in use, else whether this server has it to offer.
SELECT (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),
       EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')

-- name: list_roles
-- The house's roles with whatever raises them above others, and of whom they are members.
SELECT r.rolname, r.rolcanlogin AND r.rolconnlimit <> 0 AS can_login,
       r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication AS mighty,
       EXISTS (SELECT FROM pg_auth_members AS m WHERE m.member = r.oid AND m.roleid <> r.oid) AS member
FROM pg_roles AS r WHERE r.rolname IN ('foremend_owner', 'foremend_api', 'foremend_worker', 'foremend_relay')

-- name: count_jobs
-- What TimescaleDB is to do with readings by itself, what of that failed last time, and whether it may do anything.
SELECT count(*), count(*) FILTER (WHERE last_run_status = 'Failed'),
       current_setting('timescaledb.max_background_workers', true)::integer,
       (SELECT rolcanlogin FROM pg_roles WHERE rolname = 'foremend_owner')
FROM timescaledb_information.jobs LEFT JOIN timescaledb_information.job_stats USING (job_id)
WHERE proc_name IN ('policy_compression', 'policy_retention') AND jobs.hypertable_schema = 'public'

-- name: list_open_tables
-- Tables that row-level security does not close, also for their owner.
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)

-- name: list_wrong_owners
-- Whatever does not belong to the role that can neither log in nor look past row-level security.
SELECT c.relname FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND r.rolname <> 'foremend_owner'
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')

-- name: list_public_rights
-- What everybody who can connect may do with our tables: nothing, it should be.
SELECT DISTINCT c.relname FROM pg_class AS c, aclexplode(c.relacl) AS a
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND a.grantee = 0
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')

-- name: list_leaks
-- Tables of all tenants that pages or relay may read: they should read them through views alone.
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
  AND (relname ~ '^(reading|hours|quarters|minutes)_' OR relname IN ('checkpoint', 'stale_hour'))
  AND (has_table_privilege('foremend_api', oid, 'SELECT') OR has_table_privilege('foremend_relay', oid, 'SELECT'))

-- name: list_open_schemas
-- Whoever may make a function or a table beside ours may be called instead of ours.
SELECT DISTINCT 'the schema ' || n.nspname FROM pg_namespace AS n, aclexplode(n.nspacl) AS a LEFT JOIN pg_roles AS r ON r.oid = a.grantee
WHERE n.nspname = 'public' AND a.privilege_type = 'CREATE'
  AND (a.grantee = 0 OR r.rolname IN ('foremend_api', 'foremend_worker', 'foremend_relay'))

-- name: read_clock
-- The database's clock.
SELECT extract(epoch FROM clock_timestamp())::float8
