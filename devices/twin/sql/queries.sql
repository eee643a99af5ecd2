-- name: settle_twin
-- A device that somebody wishes something of, or that says what it is like, has a twin.
INSERT INTO twin (device_no, tenant_id) VALUES (%(device_no)s, %(tenant_id)s) ON CONFLICT DO NOTHING

-- name: find_twin
-- How it stands with a device.
SELECT device_no, tenant_id, desired, version, desired_at, desired_by, reported, reported_version, reported_at,
       firmware_at, say_at, says, said_at, error
FROM twin WHERE device_no = %(device_no)s

-- name: lock_twin
-- The same for whoever changes it: writers take turns.
SELECT device_no, tenant_id, desired, version, desired_at, desired_by, reported, reported_version, reported_at,
       firmware_at, say_at, says, said_at, error
FROM twin WHERE device_no = %(device_no)s FOR UPDATE

-- name: save_desired
-- What somebody wishes, and that it must be said.
UPDATE twin SET desired = %(desired)s, version = %(version)s, desired_at = %(desired_at)s, desired_by = %(desired_by)s,
                say_at = %(say_at)s, says = %(says)s, said_at = %(said_at)s, error = %(error)s
WHERE device_no = %(device_no)s

-- name: save_reported
-- What the device says, and whether it still must be told.
UPDATE twin SET reported = %(reported)s, reported_version = %(reported_version)s, reported_at = %(reported_at)s,
                firmware_at = %(firmware_at)s, version = %(version)s, say_at = %(say_at)s, says = %(says)s,
                said_at = %(said_at)s
WHERE device_no = %(device_no)s

-- name: note_said
-- The brokers have this version: it is said again only if the device does not answer.
UPDATE twin SET says = says + 1, said_at = %(at)s, say_at = %(again_at)s, error = NULL
WHERE device_no = %(device_no)s AND version = %(version)s AND reported_version < version

-- name: note_cleared
-- The brokers keep nothing for this device any more, and it will not answer.
UPDATE twin SET says = says + 1, said_at = %(at)s, say_at = NULL, error = NULL
WHERE device_no = %(device_no)s AND version = %(version)s

-- name: note_unsaid
-- It could not be said everywhere, and why.
UPDATE twin SET error = %(error)s, says = says + %(says)s, said_at = %(at)s, say_at = %(again_at)s
WHERE device_no = %(device_no)s AND version = %(version)s AND reported_version < version

-- name: hint_twins
-- Whoever tells devices looks again at once; its own polling is the guarantee.
SELECT pg_notify('twin', '')

-- name: listen_twins
-- To those hints.
LISTEN twin

-- name: insert_command
-- Something that a device shall do.
INSERT INTO command (command_id, device_no, tenant_id, name, arguments, state, queued_at, queued_by, expires_at, send_at)
VALUES (%(command_id)s, %(device_no)s, %(tenant_id)s, %(name)s, %(arguments)s, %(state)s, %(queued_at)s, %(queued_by)s,
        %(expires_at)s, %(queued_at)s)

-- name: count_open
-- How many wait for a device.
SELECT count(*) FROM command WHERE device_no = %(device_no)s AND state IN ('QUEUED', 'SENT')

-- name: find_command
-- One command of a device.
SELECT command_id, device_no, tenant_id, name, arguments, state, queued_at, queued_by, expires_at, sends, sent_at, over_at,
       result, error, late
FROM command WHERE device_no = %(device_no)s AND command_id = %(command_id)s

-- name: lock_command
-- The same for whoever moves it.
SELECT command_id, device_no, tenant_id, name, arguments, state, queued_at, queued_by, expires_at, sends, sent_at, over_at,
       result, error, late
FROM command WHERE device_no = %(device_no)s AND command_id = %(command_id)s FOR UPDATE

-- name: list_commands
-- A device's commands, newest first, a page at a time.
SELECT command_id, device_no, tenant_id, name, arguments, state, queued_at, queued_by, expires_at, sends, sent_at, over_at,
       result, error, late
FROM command
WHERE device_no = %(device_no)s AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(before)s::uuid IS NULL
       OR position < (SELECT c.position FROM command AS c WHERE c.device_no = %(device_no)s AND c.command_id = %(before)s))
ORDER BY position DESC LIMIT %(limit)s

-- name: save_command
-- Where it stands; what is over is sent no more.
UPDATE command SET state = %(state)s, over_at = %(over_at)s, result = %(result)s, error = %(error)s, late = %(late)s,
                   send_at = CASE WHEN %(over_at)s::timestamptz IS NULL THEN send_at END
WHERE command_id = %(command_id)s

-- name: note_sent
-- The device was told, unless it is over meanwhile. QUEUED before: this was the first time.
UPDATE command AS c SET state = 'SENT', sends = c.sends + 1, sent_at = %(at)s, send_at = %(again_at)s
FROM (SELECT command_id, state FROM command WHERE command_id = %(command_id)s FOR UPDATE) AS before
WHERE c.command_id = before.command_id AND before.state IN ('QUEUED', 'SENT')
RETURNING before.state

-- name: cancel_commands
-- What a device has not answered when it leaves its owner or its service.
UPDATE command SET state = 'CANCELLED', over_at = %(now)s, send_at = NULL
WHERE device_no = %(device_no)s AND state IN ('QUEUED', 'SENT')
RETURNING command_id, device_no, tenant_id, name, arguments, state, queued_at, queued_by, expires_at, sends, sent_at,
          over_at, result, error, late

-- name: expire_commands
-- What nobody has answered in time; whoever holds one moves it himself.
UPDATE command AS c SET state = 'EXPIRED', over_at = %(now)s, send_at = NULL
FROM (SELECT command_id FROM command WHERE state IN ('QUEUED', 'SENT') AND expires_at <= %(now)s
      ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS due
WHERE c.command_id = due.command_id
RETURNING c.command_id, c.device_no, c.tenant_id, c.name, c.arguments, c.state, c.queued_at, c.queued_by, c.expires_at,
          c.sends, c.sent_at, c.over_at, c.result, c.error, c.late

-- name: known_commands
-- Which of these a device was ever given.
SELECT command_id, device_no FROM command WHERE command_id = ANY(%(command_ids)s)

-- name: forget_commands
-- Those that were over long ago; the log keeps who sent them and what came of it.
DELETE FROM command
WHERE command_id IN (SELECT command_id FROM command WHERE over_at < %(before)s ORDER BY over_at LIMIT %(limit)s)
