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
