-- Findings, in the order in which they were decided; ticketing takes them from here, each once.

CREATE TABLE finding (
    finding_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text NOT NULL,
    device_no integer NOT NULL REFERENCES device,
    rule text NOT NULL,
    claim text NOT NULL CHECK (claim IN ('RAISED', 'CLEARED', 'SWITCHED_OFF')),
    metric text NOT NULL,
    observed double precision NOT NULL,
    expected double precision NOT NULL,
    since timestamptz NOT NULL,
    at timestamptz NOT NULL,
    seq bigint NOT NULL,
    evidence jsonb NOT NULL DEFAULT '{}',
    taken_at timestamptz,          -- when ticketing took it
    set_aside text                 -- the error for which it could not be taken; shown on the desk
);
CREATE INDEX finding_waiting ON finding (finding_no) WHERE taken_at IS NULL;
CREATE INDEX finding_set_aside ON finding (tenant_id) WHERE set_aside IS NOT NULL;
CREATE INDEX finding_device ON finding (tenant_id, device_no, finding_no DESC);
SELECT protect('finding');

GRANT SELECT, INSERT, DELETE ON finding TO foremend_worker;
GRANT SELECT, UPDATE ON finding TO foremend_relay;
GRANT SELECT ON finding TO foremend_api;

-- What the detectors of a partition remembered when its cursor stood at `seq`, so that a start need not learn it from the
-- record. It may be lost at any time. `fingerprint`: of the code and the catalogue that wrote it; others cannot read it.
CREATE TABLE checkpoint (
    first_slot smallint PRIMARY KEY REFERENCES partition,
    seq bigint NOT NULL,
    fingerprint text NOT NULL,
    memory bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE checkpoint ALTER COLUMN memory SET STORAGE EXTERNAL;  -- numbers that hardly shrink, and a worker that waits

GRANT SELECT, INSERT, UPDATE, DELETE ON checkpoint TO foremend_worker;
