-- name: find_asking_facts
-- What the gate must know of a device beside its alert: was this family asked about and not answered, and when was
-- anybody last asked about this device.
SELECT exists(SELECT 1 FROM question q WHERE q.tenant_id = %(tenant_id)s AND q.device_no = %(device_no)s
                AND q.family = %(family)s AND q.state = 'OPEN') AS question_open,
       (SELECT max(q.asked_at) FROM question q
        WHERE q.tenant_id = %(tenant_id)s AND q.device_no = %(device_no)s) AS last_asked_at

-- name: insert_question
-- One open question for a correlated group: a second one is not written, whoever races.
INSERT INTO question (question_id, tenant_id, alert_id, device_no, family, customer_id, asked_at, expires_at)
VALUES (%(question_id)s, %(tenant_id)s, %(alert_id)s, %(device_no)s, %(family)s, %(customer_id)s, %(asked_at)s,
        %(expires_at)s)
ON CONFLICT (tenant_id, device_no, family) WHERE state = 'OPEN' DO NOTHING

-- name: find_question
-- One question, with the name that people know its device by.
SELECT q.question_id, q.tenant_id, q.alert_id, q.device_no, d.device_id, q.family, q.customer_id, q.version, q.state,
       q.reason, q.asked_at, q.expires_at, q.answered_at, q.answered_by, q.ticket_id
FROM question q JOIN device d USING (device_no) WHERE q.question_id = %(question_id)s

-- name: lock_question
-- The same, held against a second answer.
SELECT q.question_id, q.tenant_id, q.alert_id, q.device_no, d.device_id, q.family, q.customer_id, q.version, q.state,
       q.reason, q.asked_at, q.expires_at, q.answered_at, q.answered_by, q.ticket_id
FROM question q JOIN device d USING (device_no) WHERE q.question_id = %(question_id)s FOR UPDATE OF q

-- name: find_open_question_of_alert
-- What the customer is being asked about an alert.
SELECT q.question_id, q.tenant_id, q.alert_id, q.device_no, d.device_id, q.family, q.customer_id, q.version, q.state,
       q.reason, q.asked_at, q.expires_at, q.answered_at, q.answered_by, q.ticket_id
FROM question q JOIN device d USING (device_no) WHERE q.alert_id = %(alert_id)s AND q.state = 'OPEN'

-- name: find_open_question_of_device
-- What a person's report on a device says yes to: the oldest open question about it.
SELECT q.question_id, q.tenant_id, q.alert_id, q.device_no, d.device_id, q.family, q.customer_id, q.version, q.state,
       q.reason, q.asked_at, q.expires_at, q.answered_at, q.answered_by, q.ticket_id
FROM question q JOIN device d USING (device_no)
WHERE q.tenant_id = %(tenant_id)s AND q.device_no = %(device_no)s AND q.state = 'OPEN'
ORDER BY q.question_id LIMIT 1

-- name: find_expired_question
-- The next open question whose time is over.
SELECT q.question_id, q.tenant_id, q.alert_id, q.device_no, d.device_id, q.family, q.customer_id, q.version, q.state,
       q.reason, q.asked_at, q.expires_at, q.answered_at, q.answered_by, q.ticket_id
FROM question q JOIN device d USING (device_no)
WHERE q.state = 'OPEN' AND q.expires_at <= %(now)s ORDER BY q.expires_at, q.question_id LIMIT 1

-- name: list_questions
-- What was asked, newest first.
SELECT q.question_id, q.tenant_id, q.alert_id, q.device_no, d.device_id, q.family, q.customer_id, q.version, q.state,
       q.reason, q.asked_at, q.expires_at, q.answered_at, q.answered_by, q.ticket_id
FROM question q JOIN device d USING (device_no)
ORDER BY q.question_id DESC LIMIT %(limit)s

-- name: close_question
-- What came of it; the version moves, so that whoever saw it open is late.
UPDATE question SET state = %(state)s, reason = %(reason)s, version = version + 1, answered_at = %(now)s,
    answered_by = %(actor)s, ticket_id = %(ticket_id)s
WHERE question_id = %(question_id)s
