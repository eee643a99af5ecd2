-- name: list_subscribers
-- Which webhooks of the tenant want to hear of this kind of event.
SELECT webhook_id FROM webhook
WHERE tenant_id = %(tenant_id)s AND active AND (events = '{}' OR %(kind)s = ANY(events))
ORDER BY webhook_id

-- name: insert_webhook
-- Somebody wants to be told by HTTP.
INSERT INTO webhook (webhook_id, tenant_id, url, secret, events, made_at)
VALUES (%(webhook_id)s, %(tenant_id)s, %(url)s, %(secret)s, %(events)s, %(now)s)

-- name: list_webhooks
-- The subscribers as the desk sees them: without their secrets, which this role may not even read.
SELECT webhook_id, tenant_id, url, events, active, made_at FROM webhook ORDER BY webhook_id LIMIT %(limit)s

-- name: set_webhook_active
-- The desk stops a subscriber, or lets it hear again.
UPDATE webhook SET active = %(active)s WHERE webhook_id = %(webhook_id)s

-- name: find_endpoint
-- Where one delivery goes and what signs it; for the relay alone.
SELECT url, secret, active FROM webhook WHERE tenant_id = %(tenant_id)s AND webhook_id = %(webhook_id)s
