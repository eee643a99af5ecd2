-- name: lock_device
-- Two who issue or rotate for one device take turns.
SELECT FROM device WHERE device_no = %(device_no)s FOR NO KEY UPDATE

-- name: list_of_device
-- All that a device ever had, oldest first.
SELECT device_no, n, tenant_id, username, password_sha256, issued_at, expires_at, revoked_at, first_used_at,
       last_seen_at, last_address
FROM credential WHERE tenant_id = %(tenant_id)s AND device_no = %(device_no)s ORDER BY n LIMIT 1000

-- name: find_by_usernames
-- Those who ask to be let in at this moment, at once.
SELECT device_no, n, tenant_id, username, password_sha256, issued_at, expires_at, revoked_at, first_used_at,
       last_seen_at, last_address
FROM credential WHERE username = ANY(%(usernames)s)

-- name: list_live
-- All that open a door now, of all tenants, a page at a time, for a broker that is told beforehand.
SELECT device_no, n, tenant_id, username, password_sha256, issued_at, expires_at, revoked_at, first_used_at,
       last_seen_at, last_address
FROM credential
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(now)s)
  AND (device_no, n) > (%(after_device_no)s, %(after_n)s)
ORDER BY device_no, n LIMIT %(limit)s

-- name: list_of_tenant
-- A page of a tenant's credentials, after the one that the page before ended with.
SELECT device_no, n, tenant_id, username, password_sha256, issued_at, expires_at, revoked_at, first_used_at,
       last_seen_at, last_address
FROM credential
WHERE tenant_id = %(tenant_id)s AND (device_no, n) > (%(after_device_no)s, %(after_n)s)
ORDER BY device_no, n LIMIT %(limit)s

-- name: insert_credential
-- A new one; of the password only its hash.
INSERT INTO credential (device_no, n, tenant_id, username, password_sha256, issued_at)
VALUES (%(device_no)s, %(n)s, %(tenant_id)s, %(username)s, %(password_sha256)s, %(issued_at)s)

-- name: end_credential
-- Until when a rotated one still opens.
UPDATE credential SET expires_at = %(expires_at)s, dropped_at = NULL
WHERE tenant_id = %(tenant_id)s AND device_no = %(device_no)s AND n = %(n)s

-- name: revoke_credentials
-- One of a device's, or all: they open nothing any more, and whoever is in by them is to be dropped.
UPDATE credential SET revoked_at = %(now)s, dropped_at = NULL
WHERE tenant_id = %(tenant_id)s AND device_no = %(device_no)s AND (%(n)s::integer IS NULL OR n = %(n)s)
  AND revoked_at IS NULL
RETURNING n

-- name: list_without
-- The next devices of a tenant that have no live credential, for who issues many.
SELECT d.device_no, d.device_id, coalesce((SELECT max(c.n) FROM credential c WHERE c.device_no = d.device_no), 0) + 1
FROM device d
WHERE d.tenant_id = %(tenant_id)s AND d.device_no > %(after)s
  AND NOT EXISTS (
      SELECT FROM credential c
      WHERE c.device_no = d.device_no AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > %(now)s))
ORDER BY d.device_no LIMIT %(limit)s
FOR NO KEY UPDATE OF d

-- name: note_used
-- Who was let in, when and from where.
UPDATE credential c SET last_seen_at = greatest(c.last_seen_at, used.at), last_address = used.address,
       first_used_at = coalesce(c.first_used_at, used.at)
FROM unnest(%(usernames)s::text[], %(ats)s::timestamptz[], %(addresses)s::text[]) AS used (username, at, address)
WHERE c.username = used.username

-- name: end_older
-- Whoever uses his new credential needs the older ones no longer.
UPDATE credential older SET expires_at = %(now)s, dropped_at = NULL
FROM credential used
WHERE used.username = ANY(%(usernames)s) AND older.device_no = used.device_no AND older.n < used.n
  AND older.revoked_at IS NULL AND (older.expires_at IS NULL OR older.expires_at > %(now)s)
RETURNING older.username

-- name: list_ended
-- Those that open nothing any more and whose sessions nobody has dropped yet; what was revoked, whatever any clock says.
SELECT username FROM credential
WHERE dropped_at IS NULL AND (revoked_at IS NOT NULL OR expires_at IS NOT NULL)
  AND CASE WHEN revoked_at IS NULL THEN expires_at ELSE '-infinity' END <= %(now)s AND username <> ALL(%(but)s)
LIMIT %(limit)s

-- name: mark_dropped
-- Nobody is in by these any more.
UPDATE credential SET dropped_at = %(now)s
WHERE username = ANY(%(usernames)s) AND (revoked_at IS NOT NULL OR expires_at <= %(now)s)

-- name: tell_of_change
-- Whoever lets devices in looks again.
SELECT pg_notify('credential_changed', '')

-- name: listen_for_change
-- To be told of it.
LISTEN credential_changed

-- name: add_denials
-- So much more was denied; a row for each device and kind, however often.
INSERT INTO denial (device_no, kind, tenant_id, denied, first_at, last_at, last_what)
SELECT d.device_no, said.kind, d.tenant_id, said.times, said.first_at, said.last_at, said.what
FROM unnest(%(tenant_id)s::text[], %(device_id)s::text[], %(kind)s::text[], %(times)s::bigint[],
            %(first_at)s::timestamptz[], %(last_at)s::timestamptz[], %(what)s::text[])
     AS said (tenant_id, device_id, kind, times, first_at, last_at, what)
JOIN device d USING (tenant_id, device_id)
ON CONFLICT (device_no, kind) DO UPDATE SET denied = denial.denied + excluded.denied,
    last_at = greatest(denial.last_at, excluded.last_at), last_what = excluded.last_what

-- name: list_denials_of_device
-- What one device was kept from, for its page.
SELECT d.device_id, n.kind, n.denied, n.first_at, n.last_at, n.last_what
FROM denial n JOIN device d USING (device_no)
WHERE n.tenant_id = %(tenant_id)s AND n.device_no = %(device_no)s ORDER BY n.last_at DESC LIMIT 10

-- name: list_denials
-- Which of a tenant's devices were denied something last.
SELECT d.device_id, n.kind, n.denied, n.first_at, n.last_at, n.last_what
FROM denial n JOIN device d USING (device_no)
WHERE n.tenant_id = %(tenant_id)s ORDER BY n.last_at DESC LIMIT %(limit)s

-- name: insert_seed
-- From which, with the house's key, the password of this credential can be computed again.
INSERT INTO credential_seed (username, tenant_id, seed) VALUES (%(username)s, %(tenant_id)s, %(seed)s)

-- name: list_seeded
-- What another broker must know, for comparison with what it knows.
SELECT c.username, left(encode(c.password_sha256, 'hex'), 16)
FROM credential c JOIN credential_seed s USING (username)
WHERE c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > %(now)s)

-- name: find_seeds
-- To tell another broker some passwords.
SELECT c.username, s.seed, c.password_sha256
FROM credential_seed s JOIN credential c USING (username)
WHERE s.username = ANY(%(usernames)s)

-- name: count_unseeded
-- Live ones that no other broker can be told of: they were issued when the house had no key.
SELECT count(*) FROM credential c
WHERE c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > %(now)s)
  AND NOT EXISTS (SELECT FROM credential_seed s WHERE s.username = c.username)

-- name: forget_seeds
-- What has ended opens nothing any more, and nobody is to compute it again.
DELETE FROM credential_seed s USING credential c
WHERE c.username = s.username AND least(c.revoked_at, c.expires_at) <= %(now)s
