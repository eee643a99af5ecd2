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
    phone text,
    version integer NOT NULL DEFAULT 1,
    -- By which somebody is found, however the letters and gaps were written; columns, because under row-level security an
    -- index of an expression is not used.
    email_key text GENERATED ALWAYS AS (lower(email)) STORED,
    phone_key text GENERATED ALWAYS AS (regexp_replace(phone, '[^0-9+]', '', 'g')) STORED
);
CREATE INDEX customer_listed ON customer (tenant_id, customer_id);
CREATE INDEX customer_email ON customer (tenant_id, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX customer_phone ON customer (tenant_id, phone_key) WHERE phone_key IS NOT NULL;
SELECT protect('customer');

-- A household is named by the customer whom its devices belong to, who is an owner of it without a row.
CREATE TABLE household_member (
    household_id uuid NOT NULL REFERENCES customer,
    customer_id uuid NOT NULL REFERENCES customer,
    tenant_id text NOT NULL REFERENCES tenant,
    role text NOT NULL CHECK (role IN ('OWNER', 'MEMBER')),
    since timestamptz NOT NULL,
    PRIMARY KEY (household_id, customer_id),
    CHECK (household_id <> customer_id)
);
CREATE INDEX household_member_customer ON household_member (customer_id);
SELECT protect('household_member');

-- Where devices share power and network. Its point is kept as it was given, and in WGS-84.
CREATE TABLE site (
    tenant_id text NOT NULL REFERENCES tenant,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    address text NOT NULL DEFAULT '',
    time_zone text NOT NULL DEFAULT 'UTC',
    latitude double precision,
    longitude double precision,
    datum text CHECK (datum IN ('WGS-84', 'GCJ-02', 'BD-09')),
    given_latitude double precision,
    given_longitude double precision,
    version integer NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, name),
    CHECK (num_nulls(latitude, longitude, datum, given_latitude, given_longitude) IN (0, 5))
);
SELECT protect('site');

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
    state text NOT NULL DEFAULT 'MADE' CHECK (state IN ('MADE', 'CLAIMED', 'ACTIVE', 'RETIRED', 'REPLACED', 'RESOLD')),
    successor_no integer REFERENCES device,  -- the device that took over its label
    made_on date,                          -- it left the factory, was paid for, was put up
    bought_on date,
    installed_on date,
    latitude double precision,             -- WGS-84; as it was given, with the datum of that
    longitude double precision,
    datum text CHECK (datum IN ('WGS-84', 'GCJ-02', 'BD-09')),
    given_latitude double precision,
    given_longitude double precision,
    version integer NOT NULL DEFAULT 1,
    UNIQUE (tenant_id, device_id),
    UNIQUE (tenant_id, model, serial),
    FOREIGN KEY (tenant_id, site) REFERENCES site,
    CONSTRAINT device_gateway_no_check CHECK (gateway_no <> device_no),
    CONSTRAINT device_successor CHECK ((state = 'REPLACED') = (successor_no IS NOT NULL)),
    CONSTRAINT device_point CHECK (num_nulls(latitude, longitude, datum, given_latitude, given_longitude) IN (0, 5))
);
CREATE INDEX device_listed ON device (tenant_id, device_no);
CREATE INDEX device_class ON device (tenant_id, class_id, device_no);
CREATE INDEX device_model ON device (tenant_id, model, device_no);
CREATE INDEX device_state ON device (tenant_id, state, device_no);
CREATE INDEX device_customer ON device (tenant_id, customer_id, device_no) WHERE customer_id IS NOT NULL;
CREATE INDEX device_claimed ON device (device_no) WHERE state = 'CLAIMED';
CREATE INDEX device_gateway ON device (gateway_no) WHERE gateway_no IS NOT NULL;
CREATE INDEX device_site ON device (tenant_id, site) WHERE site IS NOT NULL;
SELECT protect('device');
-- Whoever scanned a label sees that one device, before the tenant is known.
CREATE POLICY label ON device FOR SELECT TO foremend_api USING (label_sha256 = nullif(current_setting('app.token', true), ''));

-- Who owned a device when; `device.customer_id` is whom the row without an end names.
CREATE TABLE ownership (
    ownership_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_no integer NOT NULL REFERENCES device,
    tenant_id text NOT NULL REFERENCES tenant,
    customer_id uuid NOT NULL REFERENCES customer,
    since timestamptz NOT NULL,
    until timestamptz CHECK (until >= since)
);
CREATE UNIQUE INDEX ownership_now ON ownership (device_no) WHERE until IS NULL;
CREATE INDEX ownership_device ON ownership (device_no, since);
CREATE INDEX ownership_customer ON ownership (customer_id);
SELECT protect('ownership');

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
GRANT UPDATE (name) ON tenant TO foremend_api;
GRANT MAINTAIN ON device, customer TO foremend_api;  -- who imports many tells the planner so
GRANT SELECT ON tenant, customer, device, recording TO foremend_worker, foremend_relay;
GRANT SELECT, INSERT, UPDATE ON site TO foremend_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON household_member TO foremend_api;
GRANT SELECT, INSERT, UPDATE (until) ON ownership TO foremend_api;
GRANT SELECT ON household_member, ownership TO foremend_relay;
GRANT UPDATE (state, version) ON device TO foremend_relay;

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

-- With what whoever unpacks a device claims it: printed on a card, known here by its hash; the newest one alone counts.
CREATE TABLE claim_secret (
    device_no integer PRIMARY KEY REFERENCES device,
    tenant_id text NOT NULL REFERENCES tenant,
    secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    spent_at timestamptz
);
SELECT protect('claim_secret');

-- Who says that he stands before a device, and waits for the press of its button that proves it.
CREATE TABLE claim_waiting (
    claim_id uuid PRIMARY KEY,
    device_no integer NOT NULL REFERENCES device,
    tenant_id text NOT NULL REFERENCES tenant,
    token_sha256 bytea NOT NULL CHECK (length(token_sha256) = 32),
    address_sha256 bytea NOT NULL CHECK (length(address_sha256) = 32),
    begun_at timestamptz NOT NULL,
    press_by timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    spent_at timestamptz
);
CREATE INDEX claim_waiting_device ON claim_waiting (device_no, begun_at);
CREATE INDEX claim_waiting_expired ON claim_waiting (tenant_id, expires_at);
SELECT protect('claim_waiting');

-- Wrong secrets: of a device (`device:{device_no}`), and from an address (`address:{its hash}`).
CREATE TABLE claim_guess (
    tenant_id text NOT NULL REFERENCES tenant,
    subject text NOT NULL,
    failures integer NOT NULL,
    last_at timestamptz NOT NULL,
    locked_until timestamptz,
    told_at timestamptz,               -- when a device's owner last heard that somebody else tried
    PRIMARY KEY (tenant_id, subject)
);
CREATE INDEX claim_guess_last ON claim_guess (tenant_id, last_at);
SELECT protect('claim_guess');

GRANT SELECT, INSERT, UPDATE ON claim_secret TO foremend_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON claim_waiting, claim_guess TO foremend_api;
GRANT SELECT, INSERT, UPDATE ON credential TO foremend_api;
GRANT SELECT, UPDATE ON credential TO foremend_relay;
GRANT SELECT ON denial TO foremend_api;
GRANT SELECT ON door_count TO foremend_api, foremend_worker;
GRANT SELECT, INSERT, UPDATE ON denial, door_count TO foremend_relay;

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

-- What a device shall be like and what it says it is: a row since somebody wished for something or it said so.
CREATE TABLE twin (
    device_no integer PRIMARY KEY REFERENCES device,
    tenant_id text NOT NULL,
    desired jsonb NOT NULL DEFAULT '{}',
    version bigint NOT NULL DEFAULT 0,            -- of the desired state
    desired_at timestamptz,
    desired_by text,
    reported jsonb NOT NULL DEFAULT '{}',
    reported_version bigint NOT NULL DEFAULT 0,   -- the desired state that the device has taken
    reported_at timestamptz,
    firmware_at timestamptz,
    say_at timestamptz,                           -- when the desired state is said; null: the device has it
    says integer NOT NULL DEFAULT 0,
    said_at timestamptz,
    error text
);
CREATE INDEX twin_say ON twin (say_at) WHERE say_at IS NOT NULL;
CREATE INDEX twin_behind ON twin (tenant_id, desired_at) WHERE reported_version < version;
SELECT protect('twin');

-- What a device is told to do, in the order in which it is told.
CREATE TABLE command (
    command_id uuid PRIMARY KEY,
    device_no integer NOT NULL REFERENCES device,
    tenant_id text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    arguments jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('QUEUED', 'SENT', 'SUCCEEDED', 'FAILED', 'EXPIRED', 'CANCELLED')),
    queued_at timestamptz NOT NULL,
    queued_by text NOT NULL,
    expires_at timestamptz NOT NULL,
    send_at timestamptz,                          -- when it is sent, the next time; null: it is over
    sends integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    over_at timestamptz,
    result jsonb,
    error text,
    late jsonb,                                   -- what the device said when it was over
    CHECK ((state IN ('QUEUED', 'SENT')) = (over_at IS NULL))
);
CREATE INDEX command_open ON command (device_no, position) WHERE state IN ('QUEUED', 'SENT');
CREATE INDEX command_send ON command (send_at) WHERE send_at IS NOT NULL;
CREATE INDEX command_expiry ON command (expires_at) WHERE state IN ('QUEUED', 'SENT');
CREATE INDEX command_over ON command (over_at) WHERE over_at IS NOT NULL;
CREATE INDEX command_listed ON command (device_no, position DESC);
SELECT protect('command');

GRANT SELECT, INSERT, UPDATE ON twin, command TO foremend_api, foremend_relay;
GRANT DELETE ON command TO foremend_relay;
GRANT SELECT ON command TO foremend_worker;
