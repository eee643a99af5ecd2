-- Which version of the schema this database has. api/schema.py holds the number that the code wants.
CREATE TABLE schema_version (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- When each loop of the relay last turned, and how often it has: a loop that hangs is seen though its process lives.
CREATE TABLE pulse (
    loop text PRIMARY KEY,
    at timestamptz NOT NULL,
    turns bigint NOT NULL
);

GRANT SELECT ON schema_version, pulse TO foremend_api, foremend_worker, foremend_relay;
GRANT INSERT, UPDATE ON pulse TO foremend_relay;
