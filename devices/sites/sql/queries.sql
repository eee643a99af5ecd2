-- name: find_site
-- The site of that name.
SELECT tenant_id, name, address, time_zone, latitude, longitude, datum, given_latitude, given_longitude, version
FROM site WHERE tenant_id = %(tenant_id)s AND name = %(name)s

-- name: lock_site
-- The site of that name, held until the transaction ends.
SELECT tenant_id, name, address, time_zone, latitude, longitude, datum, given_latitude, given_longitude, version
FROM site WHERE tenant_id = %(tenant_id)s AND name = %(name)s FOR UPDATE

-- name: list_sites
-- A page of the sites by name, after the one that the page before ended with.
SELECT tenant_id, name, address, time_zone, latitude, longitude, datum, given_latitude, given_longitude, version
FROM site WHERE tenant_id = %(tenant_id)s AND name > %(after)s ORDER BY name LIMIT %(limit)s

-- name: insert_site
-- A new site, unless there is one of that name.
INSERT INTO site (tenant_id, name, address, time_zone, latitude, longitude, datum, given_latitude, given_longitude)
VALUES (%(tenant_id)s, %(name)s, %(address)s, %(time_zone)s, %(latitude)s, %(longitude)s, %(datum)s,
        %(given_latitude)s, %(given_longitude)s)
ON CONFLICT DO NOTHING

-- name: save_site
-- What may change of a site; its name stays, outages are told by it.
UPDATE site SET address = %(address)s, time_zone = %(time_zone)s, latitude = %(latitude)s, longitude = %(longitude)s,
    datum = %(datum)s, given_latitude = %(given_latitude)s, given_longitude = %(given_longitude)s, version = %(version)s
WHERE tenant_id = %(tenant_id)s AND name = %(name)s
