-- name: find_part
-- What a person is to the household of an appliance now, and when an owner last lost it.
SELECT CASE WHEN device.customer_id = %(customer_id)s THEN 'OWNER' ELSE (
           SELECT role FROM household_member AS member
           WHERE member.household_id = device.customer_id AND member.customer_id = %(customer_id)s) END,
       (SELECT max(until) FROM ownership WHERE ownership.device_no = device.device_no)
FROM device WHERE device.device_no = %(device_no)s

-- name: find_by_address
-- Who is meant by a phone number or a mail address, however it was written; of several the one we have known longest.
SELECT customer_id, tenant_id, name, language, time_zone, email, phone, version FROM customer
WHERE tenant_id = %(tenant_id)s
  AND (email_key = lower(%(email)s::text)
       OR (phone_key = regexp_replace(%(phone)s::text, '[^0-9+]', '', 'g')
           AND length(regexp_replace(%(phone)s::text, '[^0-9+]', '', 'g')) >= 5))
ORDER BY customer_id LIMIT 10

-- name: list_customers
-- A page of the customers, those we have known longest first, after the one that the page before ended with.
SELECT customer_id, tenant_id, name, language, time_zone, email, phone, version FROM customer
WHERE tenant_id = %(tenant_id)s AND (%(after)s::uuid IS NULL OR customer_id > %(after)s)
  AND (%(text)s::text IS NULL OR strpos(lower(concat_ws(' ', name, email, phone)), lower(%(text)s)) > 0)
ORDER BY customer_id LIMIT %(limit)s

-- name: lock_customer
-- A customer, held until the transaction ends.
SELECT customer_id, tenant_id, name, language, time_zone, email, phone, version FROM customer
WHERE tenant_id = %(tenant_id)s AND customer_id = %(customer_id)s FOR UPDATE

-- name: save_customer
-- What may change of a customer.
UPDATE customer SET name = %(name)s, language = %(language)s, time_zone = %(time_zone)s, email = %(email)s,
    phone = %(phone)s, version = %(version)s
WHERE tenant_id = %(tenant_id)s AND customer_id = %(customer_id)s

-- name: list_members
-- The people of a household: the one it is named by, then those who came to it.
SELECT customer_id, name, 'OWNER' AS role, NULL::timestamptz AS since FROM customer
WHERE tenant_id = %(tenant_id)s AND customer_id = %(household_id)s
UNION ALL
(SELECT customer_id, customer.name, member.role, member.since
 FROM household_member AS member JOIN customer USING (customer_id)
 WHERE member.tenant_id = %(tenant_id)s AND member.household_id = %(household_id)s
 ORDER BY member.since, customer_id LIMIT 100)

-- name: put_member
-- Somebody comes to a household, or has another role there.
INSERT INTO household_member (household_id, customer_id, tenant_id, role, since)
VALUES (%(household_id)s, %(customer_id)s, %(tenant_id)s, %(role)s, %(now)s)
ON CONFLICT (household_id, customer_id) DO UPDATE SET role = excluded.role
WHERE household_member.role <> excluded.role

-- name: drop_member
-- Somebody leaves a household.
DELETE FROM household_member
WHERE tenant_id = %(tenant_id)s AND household_id = %(household_id)s AND customer_id = %(customer_id)s
