SET LOCAL lock_timeout = '5s';
-- What the relay forgets, and by which order it finds it.
CREATE INDEX delivery_settled ON delivery (next_at) WHERE state <> 'PENDING';
CREATE INDEX idempotency_old ON idempotency (at);
CREATE INDEX link_expired ON link (expires_at);
CREATE INDEX device_answer_old ON device_answer (received_at) WHERE set_aside IS NOT NULL;
GRANT DELETE ON delivery TO foremend_relay;
GRANT SELECT (tenant_id, key, at), DELETE ON idempotency TO foremend_relay;
GRANT SELECT (token_sha256, expires_at), DELETE ON link TO foremend_relay;
GRANT DELETE ON finding TO foremend_worker;

-- What the desk, a device's page and whoever waits for news ask for.
CREATE INDEX event_newest ON event (tenant_id, event_id DESC);
CREATE INDEX alert_device ON alert (tenant_id, device_no, alert_id DESC);
CREATE INDEX report_photo ON report (tenant_id, photo_sha256) WHERE photo_sha256 IS NOT NULL;
CREATE INDEX outage_kind ON outage (tenant_id, kind, since DESC, outage_id DESC) WHERE kind <> 'DEVICE';
CREATE INDEX refusal_reason ON refusal (tenant_id, reason, refusal_no DESC);
