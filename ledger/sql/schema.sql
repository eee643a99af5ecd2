-- The ledger: the append-only log, the outbox, idempotency keys, and how every table of the house is protected.
-- Run by the owner of the schema, a role that is neither a superuser nor a login.

-- Whose rows a transaction may see; set by ledger.scope, empty outside of it.
CREATE FUNCTION current_tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.tenant', true), '') $$;

CREATE FUNCTION current_actor() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('app.actor', true), ''), 'unknown') $$;

-- Row-level security with FORCE for one table: its tenant's rows for HTTP, all rows for the machines that serve every tenant.
-- Rights (GRANT) stay with each room's schema; a policy without a right opens nothing.
CREATE FUNCTION protect(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY tenant ON %s USING (tenant_id = current_tenant()) WITH CHECK (tenant_id = current_tenant())', target);
    EXECUTE format('CREATE POLICY machines ON %s TO foremend_worker, foremend_relay USING (true) WITH CHECK (true)', target);
END $$;

-- Rows of the log, of snapshots and of answers are never changed, by anybody.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TABLE event (
    event_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    kind text NOT NULL,
    subject_id text NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    data jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX event_subject ON event (tenant_id, subject_id, event_id);
CREATE INDEX event_newest ON event (tenant_id, event_id DESC);
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION refuse_change();
SELECT protect('event');

CREATE TABLE delivery (
    delivery_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    event_id uuid NOT NULL REFERENCES event,
    destination text NOT NULL,
    lane text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'DELIVERED', 'DEAD')),
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    last_error text,
    delivered_at timestamptz
);
-- By channel, so that letters that wait for a mail server cost nobody a look.
CREATE INDEX delivery_due ON delivery (split_part(destination, ':', 1), next_at) WHERE state = 'PENDING';
CREATE INDEX delivery_lane ON delivery (lane, destination, position) WHERE state = 'PENDING';
CREATE INDEX delivery_listed ON delivery (tenant_id, position DESC);
CREATE INDEX delivery_dead ON delivery (tenant_id) WHERE state = 'DEAD';
CREATE INDEX delivery_settled ON delivery (next_at) WHERE state <> 'PENDING';
SELECT protect('delivery');

CREATE TABLE idempotency (
    tenant_id text NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    body_sha256 bytea NOT NULL,
    status integer NOT NULL,
    answer jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX idempotency_old ON idempotency (at);
SELECT protect('idempotency');

GRANT SELECT, INSERT ON event TO foremend_api, foremend_worker, foremend_relay;
GRANT SELECT, INSERT, UPDATE ON delivery TO foremend_api, foremend_relay;
GRANT DELETE ON delivery TO foremend_relay;
GRANT SELECT, INSERT ON idempotency TO foremend_api;
GRANT SELECT (tenant_id, key, at), DELETE ON idempotency TO foremend_relay;  -- forgets answers without reading them
