SET LOCAL lock_timeout = '5s';
-- Up to which hour the readings of a class are aggregated, and which of those hours have to be aggregated again. The
-- tables of the aggregates themselves come from the catalogue.
CREATE TABLE sealing (
    class_id text PRIMARY KEY,
    sealed_to timestamptz NOT NULL
);
CREATE TABLE stale_hour (
    device_no integer NOT NULL,
    hour timestamptz NOT NULL,
    class_id text NOT NULL,
    PRIMARY KEY (device_no, hour)
);
CREATE INDEX stale_hour_oldest ON stale_hour (class_id, hour);
CREATE VIEW tenant_stale_hour WITH (security_barrier) AS
    SELECT device.tenant_id, stale.device_no, stale.hour FROM stale_hour AS stale JOIN device USING (device_no);

GRANT SELECT, UPDATE ON sealing TO foremend_worker;
GRANT SELECT ON sealing TO foremend_relay, foremend_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON stale_hour TO foremend_worker;
GRANT SELECT ON tenant_stale_hour TO foremend_relay, foremend_api;
