-- The roles of the house, once a cluster: who owns everything, and the three who log in with only what they need.
DO $$
DECLARE
    wanted text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'foremend_owner') THEN
        CREATE ROLE foremend_owner NOLOGIN;
    END IF;
    FOREACH wanted IN ARRAY ARRAY['foremend_api', 'foremend_worker', 'foremend_relay'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', wanted);
        END IF;
    END LOOP;
END $$;
-- This database: only the owner may create, only the house may look.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO foremend_owner;
GRANT USAGE ON SCHEMA public TO foremend_api, foremend_worker, foremend_relay;
