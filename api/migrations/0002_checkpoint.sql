SET LOCAL lock_timeout = '5s';

CREATE TABLE checkpoint (
    first_slot smallint PRIMARY KEY REFERENCES partition,
    seq bigint NOT NULL,
    fingerprint text NOT NULL,
    memory bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE checkpoint ALTER COLUMN memory SET STORAGE EXTERNAL;

GRANT SELECT, INSERT, UPDATE, DELETE ON checkpoint TO foremend_worker;
