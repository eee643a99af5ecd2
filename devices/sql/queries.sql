-- name: settle_tenant
-- The tenant that devices are about to be registered in exists.
INSERT INTO tenant (tenant_id, name) VALUES (%(tenant_id)s, %(tenant_id)s) ON CONFLICT DO NOTHING

-- name: find_tenant_name
-- What the firm is called.
SELECT name FROM tenant WHERE tenant_id = %(tenant_id)s

-- name: name_tenant
-- The firm is called otherwise from now on.
UPDATE tenant SET name = %(name)s WHERE tenant_id = %(tenant_id)s AND name <> %(name)s

-- name: insert_customer
-- Somebody new who owns devices.
INSERT INTO customer (customer_id, tenant_id, name, language, time_zone, email, phone)
VALUES (%(customer_id)s, %(tenant_id)s, %(name)s, %(language)s, %(time_zone)s, %(email)s, %(phone)s)

-- name: find_customer
-- Whom a device belongs to: how to address them, and when it is morning there.
SELECT customer_id, tenant_id, name, language, time_zone, email, phone, version FROM customer
WHERE tenant_id = %(tenant_id)s AND customer_id = %(customer_id)s

-- name: find_same_customer
-- The owner of two appliances is one customer; a name alone does not prove that, an address does. By the keys, for which
-- there are indexes.
SELECT customer_id, tenant_id, name, language, time_zone, email, phone, version FROM customer
WHERE tenant_id = %(tenant_id)s AND name = %(name)s AND language = %(language)s AND time_zone = %(time_zone)s
  AND (email_key = lower(%(email)s) OR phone_key = regexp_replace(%(phone)s, '[^0-9+]', '', 'g'))
  AND email IS NOT DISTINCT FROM %(email)s AND phone IS NOT DISTINCT FROM %(phone)s
ORDER BY customer_id LIMIT 1

-- name: insert_device
-- A new appliance, unless its id or its serial is taken.
INSERT INTO device (tenant_id, device_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
                    state, made_on, bought_on, installed_on, latitude, longitude, datum, given_latitude, given_longitude)
VALUES (%(tenant_id)s, %(device_id)s, %(class_id)s, %(model)s, %(serial)s, %(customer_id)s, %(place)s, %(region)s,
        %(label_token)s, %(registered_at)s, %(state)s, %(made_on)s, %(bought_on)s, %(installed_on)s, %(latitude)s,
        %(longitude)s, %(datum)s, %(given_latitude)s, %(given_longitude)s)
ON CONFLICT DO NOTHING
RETURNING device_no

-- name: lock_device
-- The appliance, held until the transaction ends: whoever changes it at the same time takes turns.
SELECT device_no, device_id, tenant_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
       gateway_no, site, state, successor_no, made_on, bought_on, installed_on, latitude, longitude, datum, given_latitude,
       given_longitude, version
FROM device WHERE device_no = %(device_no)s FOR UPDATE

-- name: hold_device
-- The appliance while nobody moves it: whoever retires or sells it waits, or is waited for; a file that corrects it is not.
SELECT device_no, device_id, tenant_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
       gateway_no, site, state, successor_no, made_on, bought_on, installed_on, latitude, longitude, datum, given_latitude,
       given_longitude, version
FROM device WHERE device_no = %(device_no)s FOR KEY SHARE

-- name: save_device
-- What may change of an appliance.
UPDATE device SET model = %(model)s, serial = %(serial)s, customer_id = %(customer_id)s, place = %(place)s,
    region = %(region)s, gateway_no = %(gateway_no)s, site = %(site)s, state = %(state)s, successor_no = %(successor_no)s,
    made_on = %(made_on)s, bought_on = %(bought_on)s, installed_on = %(installed_on)s, latitude = %(latitude)s,
    longitude = %(longitude)s, datum = %(datum)s, given_latitude = %(given_latitude)s,
    given_longitude = %(given_longitude)s, version = %(version)s
WHERE tenant_id = %(tenant_id)s AND device_no = %(device_no)s

-- name: relabel_device
-- Which label an appliance wears.
UPDATE device SET label_token = %(label_token)s WHERE device_no = %(device_no)s

-- name: move_children
-- What stood behind a gateway stands behind the one that replaced it.
UPDATE device SET gateway_no = %(successor_no)s, version = version + 1 WHERE gateway_no = %(device_no)s
RETURNING device_id, site

-- name: find_successor
-- The appliance that now stands where a replaced one stood, however often it was replaced.
WITH RECURSIVE line AS (
    SELECT device_no, successor_no FROM device WHERE device_no = %(device_no)s
    UNION ALL
    SELECT device.device_no, device.successor_no FROM line JOIN device ON device.device_no = line.successor_no)
SELECT device_no, device_id, tenant_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
       gateway_no, site, state, successor_no, made_on, bought_on, installed_on, latitude, longitude, datum, given_latitude,
       given_longitude, version
FROM device WHERE device_no = (SELECT device_no FROM line WHERE successor_no IS NULL)

-- name: settle_site
-- A site that a device is placed at exists.
INSERT INTO site (tenant_id, name) VALUES (%(tenant_id)s, %(name)s) ON CONFLICT DO NOTHING

-- name: start_ownership
-- Somebody has the appliance from now on.
INSERT INTO ownership (device_no, tenant_id, customer_id, since)
VALUES (%(device_no)s, %(tenant_id)s, %(customer_id)s, %(now)s)

-- name: end_ownership
-- Whoever had it has it no longer.
UPDATE ownership SET until = greatest(%(now)s, since) WHERE device_no = %(device_no)s AND until IS NULL

-- name: list_ownership
-- Who had the appliance when.
SELECT device_no, customer_id, since, until FROM ownership WHERE device_no = %(device_no)s
ORDER BY since, ownership_no LIMIT 1000

-- name: find_device
-- The appliance behind the id in a topic or an address.
SELECT device_no, device_id, tenant_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
       gateway_no, site, state, successor_no, made_on, bought_on, installed_on, latitude, longitude, datum, given_latitude,
       given_longitude, version
FROM device WHERE tenant_id = %(tenant_id)s AND device_id = %(device_id)s

-- name: find_device_by_no
-- The appliance behind a reading, a finding or an alert.
SELECT device_no, device_id, tenant_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
       gateway_no, site, state, successor_no, made_on, bought_on, installed_on, latitude, longitude, datum, given_latitude,
       given_longitude, version
FROM device WHERE device_no = %(device_no)s

-- name: find_device_by_label
-- The appliance whose label was scanned; the tenant follows from it.
SELECT device_no, device_id, tenant_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
       gateway_no, site, state, successor_no, made_on, bought_on, installed_on, latitude, longitude, datum, given_latitude,
       given_longitude, version
FROM device WHERE label_sha256 = %(label_sha256)s

-- name: find_devices_by_no
-- The appliances that a page of alerts or tickets is about, at once.
SELECT device_no, device_id, tenant_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
       gateway_no, site, state, successor_no, made_on, bought_on, installed_on, latitude, longitude, datum, given_latitude,
       given_longitude, version
FROM device WHERE device_no = ANY(%(device_nos)s)

-- name: list_devices
-- A page of the ledger of appliances, oldest first, after the one that the page before ended with.
SELECT device_no, device_id, tenant_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
       gateway_no, site, state, successor_no, made_on, bought_on, installed_on, latitude, longitude, datum, given_latitude,
       given_longitude, version
FROM device
WHERE tenant_id = %(tenant_id)s AND device_no > %(after)s
  AND (%(class_id)s::text IS NULL OR class_id = %(class_id)s)
  AND (%(model)s::text IS NULL OR model = %(model)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(site)s::text IS NULL OR site = %(site)s)
  AND (%(customer_id)s::uuid IS NULL OR customer_id = %(customer_id)s)
  AND (%(text)s::text IS NULL OR strpos(lower(concat_ws(' ', device_id, model, serial, place)), lower(%(text)s)) > 0)
ORDER BY device_no LIMIT %(limit)s

-- name: count_devices
-- How many there are.
SELECT count(*) FROM device WHERE tenant_id = %(tenant_id)s

-- name: find_addresses
-- Which of the devices that a batch of messages names exist.
SELECT d.tenant_id, d.device_id, d.device_no, d.class_id, d.model
FROM unnest(%(tenant_ids)s::text[], %(device_ids)s::text[]) AS asked (tenant_id, device_id)
JOIN device d USING (tenant_id, device_id)

-- name: list_models
-- Which devices may be watched otherwise than their class, when all that is on record is learned again.
SELECT device_no, class_id, tenant_id, model FROM device WHERE class_id = ANY(%(class_ids)s)

-- name: find_gateway
-- Whether a device may stand behind that one: which one it is, whether it has a gateway itself, whether the device has some behind it.
SELECT gateway.device_no, gateway.gateway_no IS NOT NULL,
       EXISTS (SELECT FROM device AS child WHERE child.gateway_no = %(device_no)s)
FROM device AS gateway WHERE gateway.tenant_id = %(tenant_id)s AND gateway.device_id = %(gateway_id)s

-- name: lock_devices
-- Two who say at once where devices stand take turns, so that no circle closes between them.
SELECT pg_advisory_xact_lock(hashtextextended('foremend where', 0))

-- name: insert_recording
-- The shift of a replayed file is chosen by its first run and kept.
INSERT INTO recording (device_no, tenant_id, sha256, shift_ms, keep_time, facts)
VALUES (%(device_no)s, %(tenant_id)s, %(sha256)s, %(shift_ms)s, %(keep_time)s, %(facts)s)
ON CONFLICT DO NOTHING

-- name: list_recordings
-- Which files stand for a device.
SELECT device_no, sha256, shift_ms, keep_time, facts FROM recording
WHERE tenant_id = %(tenant_id)s AND device_no = %(device_no)s ORDER BY sha256 LIMIT 100

-- name: find_device_by_serial
-- The appliance that its maker calls so; nobody else of the tenant has that model and serial.
SELECT device_no FROM device WHERE tenant_id = %(tenant_id)s AND model = %(model)s AND serial = %(serial)s
