-- name: count_desk
-- What waits for a person, at one glance; row-level security keeps it to the tenant.
SELECT (SELECT count(*) FROM alert WHERE condition = 'ACTIVE') AS alerts,
       (SELECT count(*) FROM question WHERE state = 'OPEN') AS questions,
       (SELECT count(*) FROM ticket WHERE state NOT IN ('RESOLVED', 'CANCELLED')) AS tickets,
       (SELECT count(*) FROM alert WHERE review IS NOT NULL) AS review,
       (SELECT count(*) FROM finding WHERE set_aside IS NOT NULL) AS set_aside,
       (SELECT count(*) FROM delivery WHERE state = 'DEAD') AS dead,
       (SELECT count(*) FROM delivery WHERE state = 'PENDING') AS pending,
       (SELECT count(*) FROM device) AS devices,
       (SELECT count(*) FROM outage WHERE until IS NULL AND parent_id IS NULL) AS outages

-- name: find_newest_change
-- Has anything happened that a list of the desk would show? (An `event_id::text` that is selected is called event_id too,
-- and ordering by that would sort the whole log.)
SELECT (SELECT event_id FROM event ORDER BY event_id DESC LIMIT 1)::text AS newest

-- name: list_open_tickets
-- The engineers' list: open work, oldest first.
SELECT ticket_id FROM ticket
WHERE state NOT IN ('RESOLVED', 'CANCELLED') ORDER BY ticket_id LIMIT %(limit)s

-- name: count_of_device
-- What came of one device's readings.
SELECT (SELECT count(*) FROM finding WHERE device_no = %(device_no)s) AS findings,
       (SELECT count(*) FROM alert WHERE device_no = %(device_no)s) AS alerts

-- name: read_cursor
-- How far the workers have read the log: the one that is farthest behind.
SELECT min(cursor) AS cursor FROM partition

-- name: find_report_photo
-- Is this photo part of a report of this tenant?
SELECT EXISTS (SELECT FROM report WHERE photo_sha256 = %(sha256)s) AS known
