-- name: analyse
-- Of a table that one transaction fills the planner knows nothing: it takes the tenant for rare and goes through all of
-- his devices for each row of the file.
ANALYZE device, customer

-- name: list_standing
-- What is registered under the ids of a batch, with owner and gateway; the fence (OFFSET 0) has each id looked up.
SELECT device.device_no, device.device_id, device.tenant_id, device.class_id, device.model, device.serial,
       device.customer_id, device.place, device.region, device.label_token, device.registered_at, device.gateway_no,
       device.site, device.state, device.successor_no, device.made_on, device.bought_on, device.installed_on,
       device.latitude, device.longitude, device.datum, device.given_latitude, device.given_longitude, device.version,
       gateway.device_id AS gateway, customer.name, customer.email, customer.phone, customer.language, customer.time_zone
FROM unnest(%(device_ids)s::text[]) AS asked (device_id)
CROSS JOIN LATERAL (SELECT * FROM device AS one
                    WHERE one.tenant_id = %(tenant_id)s AND one.device_id = asked.device_id OFFSET 0) AS device
LEFT JOIN device AS gateway ON gateway.device_no = device.gateway_no
LEFT JOIN customer ON customer.customer_id = device.customer_id

-- name: list_all
-- The ledger of appliances as it is exported, a page in order.
SELECT device.device_no, device.device_id, device.tenant_id, device.class_id, device.model, device.serial,
       device.customer_id, device.place, device.region, device.label_token, device.registered_at, device.gateway_no,
       device.site, device.state, device.successor_no, device.made_on, device.bought_on, device.installed_on,
       device.latitude, device.longitude, device.datum, device.given_latitude, device.given_longitude, device.version,
       gateway.device_id AS gateway, customer.name, customer.email, customer.phone, customer.language, customer.time_zone
FROM device
LEFT JOIN device AS gateway ON gateway.device_no = device.gateway_no
LEFT JOIN customer ON customer.customer_id = device.customer_id
WHERE device.tenant_id = %(tenant_id)s AND device.device_no > %(after)s
ORDER BY device.device_no LIMIT %(limit)s

-- name: list_serials
-- Whose the serials of a batch are.
SELECT device.model, device.serial, device.device_id
FROM unnest(%(models)s::text[], %(serials)s::text[]) AS asked (model, serial)
CROSS JOIN LATERAL (SELECT one.model, one.serial, one.device_id FROM device AS one
                    WHERE one.tenant_id = %(tenant_id)s AND one.model = asked.model AND one.serial = asked.serial
                    OFFSET 0) AS device

-- name: list_known
-- Who is meant by the addresses of a batch; of several the one we have known longest.
SELECT customer_id, name, email_key, phone_key FROM customer
WHERE tenant_id = %(tenant_id)s AND (email_key = ANY(%(emails)s) OR phone_key = ANY(%(phones)s))
ORDER BY customer_id DESC

-- name: insert_customers
-- Customers that a batch names for the first time.
INSERT INTO customer (customer_id, tenant_id, name, language, time_zone, email, phone)
SELECT new.customer_id, %(tenant_id)s, new.name, new.language, new.time_zone, new.email, new.phone
FROM unnest(%(customer_id)s::uuid[], %(name)s::text[], %(language)s::text[], %(time_zone)s::text[], %(email)s::text[],
            %(phone)s::text[]) AS new (customer_id, name, language, time_zone, email, phone)

-- name: insert_sites
-- Sites that a batch names for the first time.
INSERT INTO site (tenant_id, name) SELECT %(tenant_id)s, name FROM unnest(%(names)s::text[]) AS new (name)
ON CONFLICT DO NOTHING
RETURNING name

-- name: insert_devices
-- The new appliances of a batch; an id or a serial that somebody took meanwhile is left out.
INSERT INTO device (tenant_id, device_id, class_id, model, serial, customer_id, place, region, label_token, registered_at,
                    site, state, made_on, bought_on, installed_on, latitude, longitude, datum, given_latitude,
                    given_longitude)
SELECT %(tenant_id)s, new.device_id, new.class_id, new.model, new.serial, new.customer_id, new.place, new.region,
       new.label_token, %(now)s, new.site, new.state, new.made_on, new.bought_on, new.installed_on, new.latitude,
       new.longitude, new.datum, new.given_latitude, new.given_longitude
FROM unnest(%(device_id)s::text[], %(class_id)s::text[], %(model)s::text[], %(serial)s::text[], %(customer_id)s::uuid[],
            %(place)s::text[], %(region)s::text[], %(label_token)s::text[], %(site)s::text[], %(state)s::text[],
            %(made_on)s::date[], %(bought_on)s::date[], %(installed_on)s::date[], %(latitude)s::float8[],
            %(longitude)s::float8[], %(datum)s::text[], %(given_latitude)s::float8[], %(given_longitude)s::float8[])
    WITH ORDINALITY AS new (device_id, class_id, model, serial, customer_id, place, region, label_token, site, state,
                            made_on, bought_on, installed_on, latitude, longitude, datum, given_latitude,
                            given_longitude, place_in_file)
ORDER BY place_in_file
ON CONFLICT DO NOTHING
RETURNING device_id, device_no

-- name: update_devices
-- The appliances of a batch of which something is said otherwise; what changed meanwhile is left out.
UPDATE device SET model = new.model, serial = new.serial, customer_id = new.customer_id, place = new.place,
    region = new.region, site = new.site, state = new.state, made_on = new.made_on, bought_on = new.bought_on,
    installed_on = new.installed_on, latitude = new.latitude, longitude = new.longitude, datum = new.datum,
    given_latitude = new.given_latitude, given_longitude = new.given_longitude, version = device.version + 1
FROM unnest(%(device_no)s::integer[], %(version)s::integer[], %(model)s::text[], %(serial)s::text[],
            %(customer_id)s::uuid[], %(place)s::text[], %(region)s::text[], %(site)s::text[], %(state)s::text[],
            %(made_on)s::date[], %(bought_on)s::date[], %(installed_on)s::date[], %(latitude)s::float8[],
            %(longitude)s::float8[], %(datum)s::text[], %(given_latitude)s::float8[], %(given_longitude)s::float8[])
    AS new (device_no, version, model, serial, customer_id, place, region, site, state, made_on, bought_on,
            installed_on, latitude, longitude, datum, given_latitude, given_longitude)
WHERE device.device_no = new.device_no AND device.version = new.version
RETURNING device.device_id

-- name: start_ownerships
-- The owners of a batch have their appliances from now on.
INSERT INTO ownership (device_no, tenant_id, customer_id, since)
SELECT owned.device_no, %(tenant_id)s, owned.customer_id, %(now)s
FROM unnest(%(device_nos)s::integer[], %(customer_ids)s::uuid[]) AS owned (device_no, customer_id)

-- name: append_events
-- A line of the log for each appliance and customer of a batch.
INSERT INTO event (event_id, tenant_id, kind, subject_id, at, actor, data)
SELECT new.event_id, %(tenant_id)s, new.kind, new.subject_id, %(now)s, %(actor)s, new.data
FROM unnest(%(event_id)s::uuid[], %(kind)s::text[], %(subject_id)s::text[], %(data)s::jsonb[])
    AS new (event_id, kind, subject_id, data)

-- name: list_gateways
-- Of the gateways that the file names: which devices they are, and whether they stand behind one themselves.
SELECT gateway.device_id, gateway.device_no, gateway.gateway_no IS NOT NULL
FROM unnest(%(gateway_ids)s::text[]) AS asked (device_id)
CROSS JOIN LATERAL (SELECT one.device_id, one.device_no, one.gateway_no FROM device AS one
                    WHERE one.tenant_id = %(tenant_id)s AND one.device_id = asked.device_id OFFSET 0) AS gateway

-- name: list_parents
-- Which of these devices are gateways.
SELECT DISTINCT gateway_no FROM device WHERE gateway_no = ANY(%(device_nos)s)

-- name: place_devices
-- Devices of the file stand behind their gateways.
UPDATE device SET gateway_no = new.gateway_no, version = version + 1
FROM unnest(%(device_nos)s::integer[], %(gateway_nos)s::integer[]) AS new (device_no, gateway_no)
WHERE device.device_no = new.device_no
