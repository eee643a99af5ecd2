-- name: settle_tenant
-- The tenant that devices are about to be registered in exists.
INSERT INTO tenant (tenant_id, name) VALUES (%(tenant_id)s, %(tenant_id)s) ON CONFLICT DO NOTHING

-- name: insert_customer
-- Somebody new who owns devices.
INSERT INTO customer (customer_id, tenant_id, name, language, time_zone, email, phone)
VALUES (%(customer_id)s, %(tenant_id)s, %(name)s, %(language)s, %(time_zone)s, %(email)s, %(phone)s)

-- name: find_customer
-- Whom a device belongs to: how to address them, and when it is morning there.
SELECT customer_id, tenant_id, name, language, time_zone, email, phone FROM customer
WHERE tenant_id = %(tenant_id)s AND customer_id = %(customer_id)s

-- name: find_same_customer
-- The owner of two appliances is one customer; a name alone does not prove that, an address does.
SELECT customer_id, tenant_id, name, language, time_zone, email, phone FROM customer
WHERE tenant_id = %(tenant_id)s AND name = %(name)s AND language = %(language)s AND time_zone = %(time_zone)s
  AND email IS NOT DISTINCT FROM %(email)s AND phone IS NOT DISTINCT FROM %(phone)s
  AND coalesce(email, phone) IS NOT NULL
ORDER BY customer_id LIMIT 1

-- name: insert_device
-- A new appliance, unless its id or its serial is taken.
INSERT INTO device (tenant_id, device_id, class_id, model, serial, customer_id, place, region, label_token, registered_at)
VALUES (%(tenant_id)s, %(device_id)s, %(class_id)s, %(model)s, %(serial)s, %(customer_id)s, %(place)s, %(region)s,
        %(label_token)s, %(registered_at)s)
ON CONFLICT DO NOTHING
RETURNING device_no

-- name: find_device
-- The appliance behind the id in a topic or an address.
SELECT device_no, device_id, tenant_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
       gateway_no, site
FROM device WHERE tenant_id = %(tenant_id)s AND device_id = %(device_id)s

-- name: find_device_by_no
-- The appliance behind a reading, a finding or an alert.
SELECT device_no, device_id, tenant_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
       gateway_no, site
FROM device WHERE device_no = %(device_no)s

-- name: find_device_by_label
-- The appliance whose label was scanned; the tenant follows from it.
SELECT device_no, device_id, tenant_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
       gateway_no, site
FROM device WHERE label_sha256 = %(label_sha256)s

-- name: find_devices_by_no
-- The appliances that a page of alerts or tickets is about, at once.
SELECT device_no, device_id, tenant_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
       gateway_no, site
FROM device WHERE device_no = ANY(%(device_nos)s)

-- name: list_devices
-- A page of the ledger of appliances, oldest first, after the one that the page before ended with.
SELECT device_no, device_id, tenant_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
       gateway_no, site
FROM device WHERE tenant_id = %(tenant_id)s AND device_no > %(after)s ORDER BY device_no LIMIT %(limit)s

-- name: count_devices
-- How many there are.
SELECT count(*) FROM device WHERE tenant_id = %(tenant_id)s

-- name: find_addresses
-- Which of the devices that a batch of messages names exist.
SELECT d.tenant_id, d.device_id, d.device_no, d.class_id
FROM unnest(%(tenant_ids)s::text[], %(device_ids)s::text[]) AS asked (tenant_id, device_id)
JOIN device d USING (tenant_id, device_id)

-- name: find_gateway
-- Whether a device may stand behind that one: which one it is, whether it has a gateway itself, whether the device has some behind it.
SELECT gateway.device_no, gateway.gateway_no IS NOT NULL,
       EXISTS (SELECT FROM device AS child WHERE child.gateway_no = %(device_no)s)
FROM device AS gateway WHERE gateway.tenant_id = %(tenant_id)s AND gateway.device_id = %(gateway_id)s

-- name: lock_devices
-- Two who say at once where devices stand take turns, so that no circle closes between them.
SELECT pg_advisory_xact_lock(hashtextextended('foremend where', 0))

-- name: place_device
-- Where a device stands: behind which gateway, at which site.
UPDATE device SET gateway_no = %(gateway_no)s, site = %(site)s
WHERE tenant_id = %(tenant_id)s AND device_no = %(device_no)s

-- name: insert_recording
-- The shift of a replayed file is chosen by its first run and kept.
INSERT INTO recording (device_no, tenant_id, sha256, shift_ms, keep_time, facts)
VALUES (%(device_no)s, %(tenant_id)s, %(sha256)s, %(shift_ms)s, %(keep_time)s, %(facts)s)
ON CONFLICT DO NOTHING

-- name: list_recordings
-- Which files stand for a device.
SELECT device_no, sha256, shift_ms, keep_time, facts FROM recording
WHERE tenant_id = %(tenant_id)s AND device_no = %(device_no)s ORDER BY sha256 LIMIT 100
