SET LOCAL lock_timeout = '5s';
-- Credentials: with what devices sign in at a broker, and what it kept them from.
-- With what a device signs in at a broker. Of a password there is a hash alone: it is random, and shown once.
CREATE TABLE credential (
    device_no integer NOT NULL REFERENCES device,
    n integer NOT NULL CHECK (n > 0),
    tenant_id text NOT NULL,
    username text NOT NULL UNIQUE,     -- {tenant}.{device}.{n}
    password_sha256 bytea NOT NULL CHECK (length(password_sha256) = 32),
    issued_at timestamptz NOT NULL,
    expires_at timestamptz,            -- it was rotated: until when it still opens
    revoked_at timestamptz,
    first_used_at timestamptz,
    last_seen_at timestamptz,
    last_address text,
    dropped_at timestamptz,            -- it ended, and since then nobody is in by it
    PRIMARY KEY (device_no, n)
);
CREATE INDEX credential_listed ON credential (tenant_id, device_no, n);
CREATE INDEX credential_ended ON credential ((CASE WHEN revoked_at IS NULL THEN expires_at ELSE '-infinity' END))
    WHERE dropped_at IS NULL AND (revoked_at IS NOT NULL OR expires_at IS NOT NULL);
SELECT protect('credential');

-- What a broker kept a device from doing: so often since, last when and what. A row for each kind, however often.
CREATE TABLE denial (
    device_no integer NOT NULL REFERENCES device,
    kind text NOT NULL CHECK (kind IN ('PUBLISH', 'SUBSCRIBE', 'SIGN_IN')),
    tenant_id text NOT NULL,
    denied bigint NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    last_what text NOT NULL,           -- the topic, or from where and why
    PRIMARY KEY (device_no, kind)
);
CREATE INDEX denial_listed ON denial (tenant_id, last_at DESC);
SELECT protect('denial');

-- The same counted for everybody, devices that nobody knows included: for metrics and the house's own checks.
CREATE TABLE door_count (
    what text PRIMARY KEY,
    times bigint NOT NULL,
    last_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON credential TO foremend_api;
GRANT SELECT, UPDATE ON credential TO foremend_relay;
GRANT SELECT ON denial TO foremend_api;
GRANT SELECT ON door_count TO foremend_api, foremend_worker;
GRANT SELECT, INSERT, UPDATE ON denial, door_count TO foremend_relay;
