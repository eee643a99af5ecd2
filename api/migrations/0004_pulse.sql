SET LOCAL lock_timeout = '5s';
-- When each loop of the relay last turned, and how often it has: a loop that hangs is seen though its process lives.
CREATE TABLE pulse (
    loop text PRIMARY KEY,
    at timestamptz NOT NULL,
    turns bigint NOT NULL
);

GRANT SELECT ON schema_version, pulse TO foremend_api, foremend_worker, foremend_relay;
GRANT INSERT, UPDATE ON pulse TO foremend_relay;
-- What the operator's figures count must not cost a look at every row.
CREATE INDEX delivery_dead ON delivery (tenant_id) WHERE state = 'DEAD';
CREATE INDEX finding_set_aside ON finding (tenant_id) WHERE set_aside IS NOT NULL;
