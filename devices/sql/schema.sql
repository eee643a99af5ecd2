-- Who exists: tenants, customers, devices, recordings that stand for devices.

CREATE TABLE tenant (
    tenant_id text PRIMARY KEY CHECK (tenant_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    name text NOT NULL
);
SELECT protect('tenant');

CREATE TABLE customer (
    customer_id uuid PRIMARY KEY,
    tenant_id text NOT NULL REFERENCES tenant,
    name text NOT NULL,
    language text NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'zh')),
    time_zone text NOT NULL DEFAULT 'UTC',
    email text,
    phone text
);
SELECT protect('customer');

CREATE TABLE device (
    device_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text NOT NULL REFERENCES tenant,
    device_id text NOT NULL CHECK (device_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    class_id text NOT NULL,
    model text NOT NULL,
    serial text NOT NULL,
    customer_id uuid REFERENCES customer,
    place text NOT NULL DEFAULT '',
    region text NOT NULL DEFAULT '',
    label_token text NOT NULL CHECK (label_token ~ '^[A-Za-z0-9_-]+$'),
    label_sha256 text NOT NULL GENERATED ALWAYS AS (encode(sha256(label_token::bytea), 'hex')) STORED UNIQUE,
    registered_at timestamptz NOT NULL,
    gateway_no integer REFERENCES device,  -- through which it speaks; one level, a gateway has none
    site text,                             -- devices of one site share power and network
    UNIQUE (tenant_id, device_id),
    UNIQUE (tenant_id, model, serial),
    CONSTRAINT device_gateway_no_check CHECK (gateway_no <> device_no)
);
CREATE INDEX device_gateway ON device (gateway_no) WHERE gateway_no IS NOT NULL;
CREATE INDEX device_site ON device (tenant_id, site) WHERE site IS NOT NULL;
SELECT protect('device');
-- Whoever scanned a label sees that one device, before the tenant is known.
CREATE POLICY label ON device FOR SELECT TO foremend_api USING (label_sha256 = nullif(current_setting('app.token', true), ''));

CREATE TABLE recording (
    device_no integer NOT NULL REFERENCES device,
    tenant_id text NOT NULL,
    sha256 text NOT NULL,
    shift_ms bigint NOT NULL,
    keep_time boolean NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (device_no, sha256)
);
SELECT protect('recording');

GRANT SELECT, INSERT ON tenant, customer, device, recording TO foremend_api;
GRANT UPDATE ON customer, device TO foremend_api;
GRANT SELECT ON tenant, customer, device, recording TO foremend_worker, foremend_relay;

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
CREATE INDEX credential_ended ON credential (least(revoked_at, expires_at))
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
GRANT SELECT ON denial, door_count TO foremend_api;
GRANT SELECT, INSERT, UPDATE ON denial, door_count TO foremend_relay;
