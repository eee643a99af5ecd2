-- name: insert_answers
-- What devices said of their twins, in the batch's transaction.
INSERT INTO device_answer (tenant_id, device_no, seq, received_at, about, body)
SELECT * FROM unnest(%(tenant_id)s::text[], %(device_no)s::integer[], %(seq)s::bigint[], %(received_at)s::timestamptz[],
                     %(about)s::text[], %(body)s::jsonb[])

-- name: hint_answers
-- Whoever takes them looks again at once; its own polling is the guarantee.
SELECT pg_notify('twin', '')

-- name: list_waiting
-- What nobody has taken, in order; a second taker waits here and then sees what is left.
SELECT answer_no, device_no, received_at, about, body FROM device_answer
WHERE set_aside IS NULL ORDER BY answer_no LIMIT %(limit)s FOR UPDATE

-- name: drop_answers
-- They were taken.
DELETE FROM device_answer WHERE answer_no = ANY(%(answer_nos)s)

-- name: set_answer_aside
-- It could not be taken; those behind it go on.
UPDATE device_answer SET set_aside = %(error)s WHERE answer_no = %(answer_no)s

-- name: forget_set_aside
-- What could not be taken, once everybody had the time to look at it.
DELETE FROM device_answer
WHERE answer_no IN (SELECT answer_no FROM device_answer WHERE set_aside IS NOT NULL AND received_at < %(before)s
                    ORDER BY received_at LIMIT %(limit)s)
