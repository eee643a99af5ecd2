SET LOCAL lock_timeout = '5s';
-- Twins: what devices shall be like and say they are, what they are told to do, and what they said of it.
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

-- What devices said of their twins, in the log's order, until the relay has taken it.
CREATE TABLE device_answer (
    answer_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text NOT NULL,
    device_no integer NOT NULL REFERENCES device,
    seq bigint NOT NULL,
    received_at timestamptz NOT NULL,
    about text NOT NULL CHECK (about IN ('reported', 'result')),
    body jsonb NOT NULL,
    set_aside text                     -- the error for which it could not be taken
);
CREATE INDEX device_answer_waiting ON device_answer (answer_no) WHERE set_aside IS NULL;
CREATE INDEX device_answer_set_aside ON device_answer (tenant_id) WHERE set_aside IS NOT NULL;
SELECT protect('device_answer');

GRANT SELECT, INSERT ON device_answer TO foremend_worker;
GRANT SELECT, UPDATE, DELETE ON device_answer TO foremend_relay;
GRANT SELECT ON device_answer TO foremend_api;
