-- name: put_secret
-- A new secret stands in the place of the one before, spent or not.
INSERT INTO claim_secret (device_no, tenant_id, secret_sha256, issued_at, expires_at, spent_at)
VALUES (%(device_no)s, %(tenant_id)s, %(secret_sha256)s, %(issued_at)s, %(expires_at)s, %(spent_at)s)
ON CONFLICT (device_no) DO UPDATE SET secret_sha256 = excluded.secret_sha256, issued_at = excluded.issued_at,
    expires_at = excluded.expires_at, spent_at = excluded.spent_at

-- name: find_secret
-- What a typed secret is compared with.
SELECT secret_sha256, issued_at, expires_at, spent_at FROM claim_secret
WHERE tenant_id = %(tenant_id)s AND device_no = %(device_no)s

-- name: spend_secret
-- It has done its work, once.
UPDATE claim_secret SET spent_at = %(now)s
WHERE tenant_id = %(tenant_id)s AND device_no = %(device_no)s AND spent_at IS NULL

-- name: insert_waiting
-- Somebody says that he stands before the appliance.
INSERT INTO claim_waiting (claim_id, device_no, tenant_id, token_sha256, address_sha256, begun_at, press_by, expires_at)
VALUES (%(claim_id)s, %(device_no)s, %(tenant_id)s, %(token_sha256)s, %(address_sha256)s, %(begun_at)s, %(press_by)s,
        %(expires_at)s)

-- name: list_waiting
-- Who waits for a press of one appliance: rivals too, for one press serves one claim.
SELECT claim_id, token_sha256, address_sha256, begun_at, press_by, expires_at, spent_at FROM claim_waiting
WHERE tenant_id = %(tenant_id)s AND device_no = %(device_no)s AND expires_at > %(now)s AND spent_at IS NULL
ORDER BY begun_at DESC LIMIT 1000

-- name: spend_waiting
-- The appliance has an owner: nobody's claim waits any longer.
UPDATE claim_waiting SET spent_at = %(now)s
WHERE tenant_id = %(tenant_id)s AND device_no = %(device_no)s AND spent_at IS NULL

-- name: forget_waiting
-- Claims that came to nothing are kept for no longer than they serve.
DELETE FROM claim_waiting WHERE claim_id IN (
    SELECT claim_id FROM claim_waiting WHERE tenant_id = %(tenant_id)s AND expires_at < %(waited_before)s
    ORDER BY expires_at LIMIT 100)

-- name: forget_guesses
-- Addresses from which somebody guessed are kept for no longer than they count.
DELETE FROM claim_guess WHERE (tenant_id, subject) IN (
    SELECT tenant_id, subject FROM claim_guess WHERE tenant_id = %(tenant_id)s AND last_at < %(guessed_before)s
    ORDER BY last_at LIMIT 100 FOR UPDATE SKIP LOCKED)

-- name: lock_guesses
-- Guesses come one after the other, so that a hundred at once are a hundred.
INSERT INTO claim_guess AS kept (tenant_id, subject, failures, last_at)
VALUES (%(tenant_id)s, %(subject)s, 0, %(now)s)
ON CONFLICT (tenant_id, subject) DO UPDATE SET failures = kept.failures
RETURNING failures, last_at, locked_until

-- name: find_guesses
-- Whether a device is locked, for staff.
SELECT failures, last_at, locked_until FROM claim_guess WHERE tenant_id = %(tenant_id)s AND subject = %(subject)s

-- name: save_guesses
-- What is known after one more of them, or after staff opened the lock.
UPDATE claim_guess SET failures = %(failures)s, last_at = coalesce(%(last_at)s, last_at), locked_until = %(locked_until)s
WHERE tenant_id = %(tenant_id)s AND subject = %(subject)s

-- name: note_told
-- An owner hears of others' attempts at most so often.
INSERT INTO claim_guess AS kept (tenant_id, subject, failures, last_at, told_at)
VALUES (%(tenant_id)s, %(subject)s, 0, %(now)s, %(now)s)
ON CONFLICT (tenant_id, subject) DO UPDATE SET told_at = excluded.told_at
WHERE kept.told_at IS NULL OR kept.told_at < %(before)s
