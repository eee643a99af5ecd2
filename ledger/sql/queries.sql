-- name: enter_scope
-- Say for whom and by whom this transaction is run; row-level security reads it.
SELECT set_config('app.tenant', %(tenant_id)s, true), set_config('app.actor', %(actor)s, true)

-- name: refuse_writes
-- What only looks cannot act, whatever it calls.
SELECT set_config('transaction_read_only', 'on', true)

-- name: show_token
-- Let this transaction see the one row that carries this token.
SELECT set_config('app.token', %(token_sha256)s, true)

-- name: append_event
-- One line of the log.
INSERT INTO event (event_id, tenant_id, kind, subject_id, at, actor, data)
VALUES (%(event_id)s, %(tenant_id)s, %(kind)s, %(subject_id)s, %(at)s, %(actor)s, %(data)s)

-- name: count_events_since
-- Whether one kind of line is written about a subject again and again; no more of them are looked at than matter.
SELECT count(*) FROM (
    SELECT FROM event WHERE tenant_id = %(tenant_id)s AND subject_id = %(subject_id)s AND event_id > %(since)s
                        AND kind = %(kind)s
    LIMIT %(most)s) AS lately

-- name: append_delivery
-- What must reach a destination because of that line.
INSERT INTO delivery (delivery_id, tenant_id, event_id, destination, lane, next_at)
VALUES (%(delivery_id)s, %(tenant_id)s, %(event_id)s, %(destination)s, %(lane)s, %(next_at)s)

-- name: claim_due
-- The next delivery that is due for each destination: the head of its lane, by a channel that works, and not to a
-- destination that somebody is on the way to; locked so that two relays never send one twice.
SELECT d.delivery_id, d.tenant_id, d.destination, d.lane, d.state, d.attempts, d.next_at, d.last_error,
       e.event_id, e.kind, e.subject_id, e.at, e.actor, e.data
FROM delivery d JOIN event e USING (event_id)
WHERE d.delivery_id IN (
    SELECT DISTINCT ON (due.destination) due.delivery_id FROM delivery due
    WHERE due.state = 'PENDING' AND due.next_at <= %(now)s
      AND split_part(due.destination, ':', 1) = ANY(%(channels)s) AND due.destination <> ALL(%(busy)s)
      AND NOT EXISTS (
          SELECT 1 FROM delivery earlier
          WHERE earlier.lane = due.lane AND earlier.destination = due.destination
            AND earlier.state = 'PENDING' AND earlier.position < due.position)
    ORDER BY due.destination, due.next_at, due.position)
  AND d.state = 'PENDING' AND d.next_at <= %(now)s
ORDER BY d.next_at, d.position
LIMIT %(limit)s
FOR UPDATE OF d SKIP LOCKED

-- name: lease_delivery
-- Keep others away while one delivery is on the wire; if we die it is due again afterwards.
UPDATE delivery SET next_at = %(until)s, attempts = attempts + 1 WHERE delivery_id = %(delivery_id)s

-- name: settle_delivery
-- What came of one attempt; one that was settled by another relay meanwhile stays settled.
UPDATE delivery SET state = %(state)s, next_at = %(next_at)s, last_error = %(last_error)s, delivered_at = %(delivered_at)s
WHERE delivery_id = %(delivery_id)s AND state = 'PENDING'

-- name: replay_delivery
-- A person sends a dead letter on its way again, and the log says who.
WITH revived AS (
    UPDATE delivery SET state = 'PENDING', attempts = 0, next_at = %(now)s
    WHERE delivery_id = %(delivery_id)s AND state = 'DEAD'
    RETURNING tenant_id, delivery_id)
INSERT INTO event (event_id, tenant_id, kind, subject_id, at, actor)
SELECT %(event_id)s, tenant_id, 'delivery.replayed', delivery_id::text, %(now)s, current_actor() FROM revived

-- name: list_deliveries
-- The outbox as the desk sees it, newest first.
SELECT d.delivery_id, d.tenant_id, d.destination, d.lane, d.state, d.attempts, d.next_at, d.last_error,
       e.event_id, e.kind, e.subject_id, e.at, e.actor, e.data
FROM delivery d JOIN event e USING (event_id)
WHERE (%(state)s::text IS NULL OR d.state = %(state)s)
ORDER BY d.position DESC LIMIT %(limit)s

-- name: list_events
-- What happened to one subject, in order.
SELECT event_id, tenant_id, kind, subject_id, at, actor, data FROM event
WHERE subject_id = %(subject_id)s ORDER BY event_id LIMIT %(limit)s

-- name: list_latest_events
-- What happened to one subject, the latest first, a page at a time.
SELECT event_id, tenant_id, kind, subject_id, at, actor, data FROM event
WHERE subject_id = %(subject_id)s AND (%(before)s::uuid IS NULL OR event_id < %(before)s)
ORDER BY event_id DESC LIMIT %(limit)s

-- name: lock_idempotency_key
-- False while another transaction is working on the same key: the caller answers 409 at once instead of waiting.
SELECT pg_try_advisory_xact_lock(hashtextextended(%(tenant_id)s || '/' || %(key)s, 0))

-- name: await_idempotency_key
-- Stand in line behind whoever works on the same key, for a person who tapped twice and wants the answer.
SELECT pg_advisory_xact_lock(hashtextextended(%(tenant_id)s || '/' || %(key)s, 0))

-- name: find_idempotency_key
-- The answer that was given before.
SELECT body_sha256, status, answer FROM idempotency WHERE tenant_id = %(tenant_id)s AND key = %(key)s

-- name: store_idempotency_key
-- Keep the answer for whoever repeats the request.
INSERT INTO idempotency (tenant_id, key, body_sha256, status, answer, at)
VALUES (%(tenant_id)s, %(key)s, %(body_sha256)s, %(status)s, %(answer)s, %(at)s)

-- name: forget_idempotency_keys
-- Nobody repeats a request any more that was answered so long ago.
DELETE FROM idempotency WHERE (tenant_id, key) IN (
    SELECT tenant_id, key FROM idempotency WHERE at < %(before)s ORDER BY at LIMIT %(limit)s)

-- name: forget_deliveries
-- What arrived or was given up long ago: a settled one's `next_at` says when. The log keeps what it was about.
DELETE FROM delivery WHERE delivery_id IN (
    SELECT delivery_id FROM delivery WHERE state <> 'PENDING' AND next_at < %(before)s ORDER BY next_at LIMIT %(limit)s)
  AND state <> 'PENDING'
