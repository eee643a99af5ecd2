SET LOCAL lock_timeout = '5s';
-- From what the password of a credential is computed again, with a key that is not in here, to tell a broker that
-- knows no hashes (docs/decisions/0034). Pages write it and never read it.
CREATE TABLE credential_seed (
    username text PRIMARY KEY REFERENCES credential (username) DEFERRABLE INITIALLY DEFERRED,
    tenant_id text NOT NULL,
    seed bytea NOT NULL CHECK (length(seed) = 32)
);
SELECT protect('credential_seed');
GRANT INSERT ON credential_seed TO foremend_api;
GRANT SELECT, DELETE ON credential_seed TO foremend_relay;
