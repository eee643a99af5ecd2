SET LOCAL lock_timeout = '5s';
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

-- Whoever claimed a device has a link to its page.
ALTER TABLE link DROP CONSTRAINT link_purpose_check;
ALTER TABLE link ADD CONSTRAINT link_purpose_check CHECK (purpose IN ('question', 'ticket', 'appliance'));
