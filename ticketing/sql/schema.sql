-- From a symptom to the end of the work: alerts, questions, snapshots, tickets, engineers, links, webhooks.

-- The live record of a symptom: condition x engagement, and the ticket it led to.
CREATE TABLE alert (
    alert_id uuid PRIMARY KEY,
    tenant_id text NOT NULL REFERENCES tenant,
    device_no integer NOT NULL REFERENCES device,
    rule text NOT NULL,
    family text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('minor', 'major', 'critical')),
    condition text NOT NULL DEFAULT 'ACTIVE' CHECK (condition IN ('ACTIVE', 'CLEARED')),
    engagement text NOT NULL DEFAULT 'NONE'
        CHECK (engagement IN ('NONE', 'ASKED', 'CONFIRMED', 'DECLINED', 'EXPIRED', 'BYPASSED', 'WITHDRAWN')),
    metric text NOT NULL,
    observed double precision NOT NULL,
    expected double precision NOT NULL,
    since timestamptz NOT NULL,            -- event time: since when it holds
    raised_at timestamptz NOT NULL,        -- wall time: when we noticed
    last_seen timestamptz NOT NULL,        -- event time of the newest finding
    occurrences integer NOT NULL DEFAULT 1,
    cleared_at timestamptz,                -- event time
    evidence jsonb NOT NULL DEFAULT '{}',
    ticket_id uuid,
    review text,                           -- why a person at the desk should look: NO_CUSTOMER, EXPIRED
    look_at timestamptz,                   -- when the gate decides next; NULL: there is nothing to decide
    waits_for text                         -- the reason codes of the gate's last decision
);
-- Identity: one ACTIVE alert per device and rule, whoever races.
CREATE UNIQUE INDEX alert_active ON alert (tenant_id, device_no, rule) WHERE condition = 'ACTIVE';
CREATE INDEX alert_look ON alert (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX alert_listed ON alert (tenant_id, alert_id DESC);
CREATE INDEX alert_device ON alert (tenant_id, device_no, alert_id DESC);
CREATE INDEX alert_review ON alert (tenant_id, alert_id DESC) WHERE review IS NOT NULL;
CREATE INDEX alert_ticket ON alert (ticket_id) WHERE ticket_id IS NOT NULL;
SELECT protect('alert');

-- A "no" or "not now" belongs to device and rule, not to one alert: a flapping alert must not lose it.
CREATE TABLE shelf (
    tenant_id text NOT NULL REFERENCES tenant,
    device_no integer NOT NULL REFERENCES device,
    rule text NOT NULL,
    until timestamptz NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, device_no, rule)
);
SELECT protect('shelf');

CREATE TABLE question (
    question_id uuid PRIMARY KEY,
    tenant_id text NOT NULL REFERENCES tenant,
    alert_id uuid NOT NULL REFERENCES alert,
    device_no integer NOT NULL REFERENCES device,
    family text NOT NULL,
    customer_id uuid NOT NULL REFERENCES customer,
    version integer NOT NULL DEFAULT 1,
    state text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'YES', 'NO', 'NOT_NOW', 'EXPIRED', 'WITHDRAWN')),
    reason text CHECK (reason IN ('FALSE_ALARM', 'ALREADY_FIXED', 'NOT_MINE')),
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    answered_at timestamptz,
    answered_by text,
    ticket_id uuid,
    CHECK ((state = 'NO') = (reason IS NOT NULL))
);
-- One open question for a correlated group.
CREATE UNIQUE INDEX question_open ON question (tenant_id, device_no, family) WHERE state = 'OPEN';
CREATE INDEX question_expires ON question (expires_at) WHERE state = 'OPEN';
CREATE INDEX question_device ON question (tenant_id, device_no, asked_at DESC);
CREATE INDEX question_alert ON question (alert_id);
CREATE INDEX question_listed ON question (tenant_id, question_id DESC);
SELECT protect('question');

-- The evidence as it was at the yes. `body` is the canonical document, byte for byte what is downloaded.
CREATE TABLE snapshot (
    snapshot_id uuid PRIMARY KEY,
    tenant_id text NOT NULL REFERENCES tenant,
    device_no integer NOT NULL REFERENCES device,
    at timestamptz NOT NULL,
    sha256 text NOT NULL,
    body bytea NOT NULL,
    CHECK (sha256 = encode(sha256(body), 'hex'))
);
CREATE TRIGGER snapshot_frozen BEFORE UPDATE OR DELETE ON snapshot FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER snapshot_kept BEFORE TRUNCATE ON snapshot FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
SELECT protect('snapshot');

CREATE TABLE engineer (
    engineer_id uuid PRIMARY KEY,
    tenant_id text NOT NULL REFERENCES tenant,
    slug text NOT NULL CHECK (slug ~ '^[A-Za-z0-9_-]{1,64}$'),
    name text NOT NULL,
    regions text[] NOT NULL,               -- the first one is home
    skills text[] NOT NULL,
    level smallint NOT NULL CHECK (level BETWEEN 1 AND 5),
    load_cap smallint NOT NULL CHECK (load_cap >= 0),
    UNIQUE (tenant_id, slug)
);
SELECT protect('engineer');

-- Ticket numbers without gaps: the row's lock orders those who open, a rollback gives the number back.
CREATE TABLE ticket_counter (
    tenant_id text PRIMARY KEY REFERENCES tenant,
    last integer NOT NULL
);
SELECT protect('ticket_counter');

CREATE TABLE ticket (
    ticket_id uuid PRIMARY KEY,
    tenant_id text NOT NULL REFERENCES tenant,
    number text NOT NULL,
    device_no integer NOT NULL REFERENCES device,
    family text NOT NULL,                  -- a fault family of the class, or `unspecified`
    severity text NOT NULL CHECK (severity IN ('minor', 'major', 'critical')),
    source text NOT NULL CHECK (source IN ('alert', 'report')),
    state text NOT NULL DEFAULT 'READY'
        CHECK (state IN ('READY', 'DISPATCHED', 'IN_PROGRESS', 'PENDING_CONFIRMATION', 'RESOLVED', 'CANCELLED')),
    version integer NOT NULL DEFAULT 1,
    en_route boolean NOT NULL DEFAULT false,
    customer_id uuid REFERENCES customer,
    alert_id uuid REFERENCES alert,
    snapshot_id uuid REFERENCES snapshot,
    proposed_id uuid REFERENCES engineer,  -- the head of the newest proposal
    engineer_id uuid REFERENCES engineer,  -- who accepted
    reopened integer NOT NULL DEFAULT 0,
    opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    UNIQUE (tenant_id, number)
);
-- Duplicates match open tickets only; a later recurrence is a new ticket.
CREATE UNIQUE INDEX ticket_open ON ticket (tenant_id, device_no, family) WHERE state NOT IN ('RESOLVED', 'CANCELLED');
CREATE INDEX ticket_load ON ticket (tenant_id, coalesce(engineer_id, proposed_id))
    WHERE state IN ('READY', 'DISPATCHED', 'IN_PROGRESS');
CREATE INDEX ticket_listed ON ticket (tenant_id, ticket_id DESC);
CREATE INDEX ticket_device ON ticket (tenant_id, device_no, ticket_id DESC);
SELECT protect('ticket');

ALTER TABLE alert ADD FOREIGN KEY (ticket_id) REFERENCES ticket;
ALTER TABLE question ADD FOREIGN KEY (ticket_id) REFERENCES ticket;

-- Who was proposed for a ticket, why, and who was left out and why. The newest row is the ticket's proposal.
CREATE TABLE proposal (
    proposal_id uuid PRIMARY KEY,
    tenant_id text NOT NULL REFERENCES tenant,
    ticket_id uuid NOT NULL REFERENCES ticket,
    at timestamptz NOT NULL,
    ranked jsonb NOT NULL,
    left_out jsonb NOT NULL
);
CREATE INDEX proposal_ticket ON proposal (ticket_id, proposal_id DESC);
SELECT protect('proposal');

-- What a person sent, raw: it opened the ticket or joined it as a witness.
CREATE TABLE report (
    report_id uuid PRIMARY KEY,
    tenant_id text NOT NULL REFERENCES tenant,
    device_no integer NOT NULL REFERENCES device,
    ticket_id uuid NOT NULL REFERENCES ticket,
    joined boolean NOT NULL,
    words text NOT NULL,
    contact text NOT NULL,
    photo_sha256 text,
    photo_type text,
    photo_bytes integer,
    channel text NOT NULL,
    actor text NOT NULL,
    steps jsonb NOT NULL,                  -- what each step of the gate said
    at timestamptz NOT NULL
);
CREATE INDEX report_ticket ON report (ticket_id, report_id);
CREATE INDEX report_device ON report (tenant_id, device_no, report_id DESC);
CREATE INDEX report_photo ON report (tenant_id, photo_sha256) WHERE photo_sha256 IS NOT NULL;
SELECT protect('report');

-- The token itself is never stored; a link serves one purpose, one subject, one recipient, until it expires.
CREATE TABLE link (
    token_sha256 text PRIMARY KEY,
    tenant_id text NOT NULL REFERENCES tenant,
    purpose text NOT NULL CHECK (purpose IN ('question', 'ticket', 'appliance')),
    subject_id text NOT NULL,
    recipient text NOT NULL,
    minted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX link_expired ON link (expires_at);
SELECT protect('link');
CREATE POLICY token ON link FOR SELECT TO foremend_api USING (token_sha256 = nullif(current_setting('app.token', true), ''));

-- Who is told by HTTP. The secret signs; only the relay reads it.
CREATE TABLE webhook (
    webhook_id uuid PRIMARY KEY,
    tenant_id text NOT NULL REFERENCES tenant,
    url text NOT NULL,
    secret text NOT NULL,
    events text[] NOT NULL DEFAULT '{}',   -- kinds such as `ticket.opened`; empty: all
    active boolean NOT NULL DEFAULT true,
    made_at timestamptz NOT NULL
);
CREATE INDEX webhook_listed ON webhook (tenant_id, webhook_id);
SELECT protect('webhook');

-- Pages answer, report and work tickets; the relay takes findings, asks, lets questions expire and delivers.
GRANT SELECT ON alert, shelf, question, snapshot, engineer, ticket_counter, ticket, proposal, report, link TO foremend_api;
GRANT INSERT ON shelf, snapshot, engineer, ticket_counter, ticket, proposal, report, link, webhook TO foremend_api;
GRANT UPDATE ON alert, shelf, question, engineer, ticket_counter, ticket TO foremend_api;
GRANT SELECT (webhook_id, tenant_id, url, events, active, made_at), UPDATE (url, events, active) ON webhook TO foremend_api;

GRANT SELECT ON alert, shelf, question, ticket, engineer, webhook TO foremend_relay;
GRANT INSERT, UPDATE ON alert, question TO foremend_relay;
GRANT INSERT, SELECT (token_sha256, expires_at), DELETE ON link TO foremend_relay;
