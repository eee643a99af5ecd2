SET LOCAL lock_timeout = '5s';
-- Households, sites, the lifecycle of devices and who owned them when. A device that has an owner counts as active.
-- The owner of the schema is under row-level security too, so it is lifted while old rows are filled in.
ALTER TABLE device NO FORCE ROW LEVEL SECURITY;
ALTER TABLE customer
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN email_key text GENERATED ALWAYS AS (lower(email)) STORED,
    ADD COLUMN phone_key text GENERATED ALWAYS AS (regexp_replace(phone, '[^0-9+]', '', 'g')) STORED;
CREATE INDEX customer_listed ON customer (tenant_id, customer_id);
CREATE INDEX customer_email ON customer (tenant_id, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX customer_phone ON customer (tenant_id, phone_key) WHERE phone_key IS NOT NULL;

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

ALTER TABLE site NO FORCE ROW LEVEL SECURITY;
INSERT INTO site (tenant_id, name) SELECT DISTINCT tenant_id, site FROM device WHERE site IS NOT NULL;

ALTER TABLE device
    ADD COLUMN state text NOT NULL DEFAULT 'MADE' CHECK (state IN ('MADE', 'CLAIMED', 'ACTIVE', 'RETIRED', 'REPLACED', 'RESOLD')),
    ADD COLUMN successor_no integer REFERENCES device,
    ADD COLUMN made_on date,
    ADD COLUMN bought_on date,
    ADD COLUMN installed_on date,
    ADD COLUMN latitude double precision,
    ADD COLUMN longitude double precision,
    ADD COLUMN datum text CHECK (datum IN ('WGS-84', 'GCJ-02', 'BD-09')),
    ADD COLUMN given_latitude double precision,
    ADD COLUMN given_longitude double precision,
    ADD COLUMN version integer NOT NULL DEFAULT 1;
UPDATE device SET state = 'ACTIVE' WHERE customer_id IS NOT NULL;
ALTER TABLE device
    ADD FOREIGN KEY (tenant_id, site) REFERENCES site,
    ADD CONSTRAINT device_successor CHECK ((state = 'REPLACED') = (successor_no IS NOT NULL)),
    ADD CONSTRAINT device_point CHECK (num_nulls(latitude, longitude, datum, given_latitude, given_longitude) IN (0, 5));
CREATE INDEX device_listed ON device (tenant_id, device_no);
CREATE INDEX device_class ON device (tenant_id, class_id, device_no);
CREATE INDEX device_model ON device (tenant_id, model, device_no);
CREATE INDEX device_state ON device (tenant_id, state, device_no);
CREATE INDEX device_customer ON device (tenant_id, customer_id, device_no) WHERE customer_id IS NOT NULL;
CREATE INDEX device_claimed ON device (device_no) WHERE state = 'CLAIMED';

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

ALTER TABLE ownership NO FORCE ROW LEVEL SECURITY;
INSERT INTO ownership (device_no, tenant_id, customer_id, since)
SELECT device_no, tenant_id, customer_id, registered_at FROM device WHERE customer_id IS NOT NULL;
ALTER TABLE ownership FORCE ROW LEVEL SECURITY;
ALTER TABLE site FORCE ROW LEVEL SECURITY;  -- not before the foreign key, whose check is under it too
ALTER TABLE device FORCE ROW LEVEL SECURITY;

GRANT UPDATE (name) ON tenant TO foremend_api;
GRANT MAINTAIN ON device, customer TO foremend_api;  -- who imports many tells the planner so
GRANT SELECT, INSERT, UPDATE ON site TO foremend_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON household_member TO foremend_api;
GRANT SELECT, INSERT, UPDATE (until) ON ownership TO foremend_api;
GRANT SELECT ON household_member, ownership TO foremend_relay;
GRANT UPDATE (state, version) ON device TO foremend_relay;
