-- name: find_tenants
-- Which of these exist: strangers may name any.
SELECT tenant_id FROM tenant WHERE tenant_id = ANY(%(tenant_ids)s)

-- name: find_refusal_keys
-- What was refused on that day already.
SELECT key FROM refusal WHERE key = ANY(%(keys)s)

-- name: find_refusal_days
-- How much room of their day these senders have used.
SELECT used.day - date '1970-01-01', tenant_id, device_id, used.stored, used.stored_bytes
FROM unnest(%(day)s::integer[], %(tenant_id)s::text[], %(device_id)s::text[]) AS asked (day, tenant_id, device_id)
JOIN refusal_day AS used USING (tenant_id, device_id)
WHERE used.day = date '1970-01-01' + asked.day

-- name: store_refusals
-- What a batch could not keep, in its transaction; what was refused on that day already is only seen once more.
INSERT INTO refusal AS kept (key, tenant_id, device_id, device_no, seq, received_at, topic, reason, detail, ts, metric,
                             payload, seen, last_seq, last_seen_at)
SELECT * FROM unnest(%(key)s::bytea[], %(tenant_id)s::text[], %(device_id)s::text[], %(device_no)s::integer[],
                     %(seq)s::bigint[], %(received_at)s::timestamptz[], %(topic)s::text[], %(reason)s::text[],
                     %(detail)s::text[], %(ts)s::timestamptz[], %(metric)s::text[], %(payload)s::bytea[],
                     %(seen)s::integer[], %(last_seq)s::bigint[], %(last_seen_at)s::timestamptz[])
ON CONFLICT (key) DO UPDATE SET
    seen = kept.seen + excluded.seen, last_seq = excluded.last_seq, last_seen_at = excluded.last_seen_at

-- name: count_refusal_days
-- How much was refused of whom that day, stored or not.
INSERT INTO refusal_day AS kept (day, tenant_id, device_id, refused, refused_metrics, stored, stored_bytes)
SELECT date '1970-01-01' + day, tenant_id, device_id, refused, refused_metrics, stored, stored_bytes
FROM unnest(%(day)s::integer[], %(tenant_id)s::text[], %(device_id)s::text[], %(refused)s::bigint[],
            %(refused_metrics)s::bigint[], %(stored)s::integer[], %(stored_bytes)s::bigint[])
    AS grown (day, tenant_id, device_id, refused, refused_metrics, stored, stored_bytes)
ON CONFLICT (tenant_id, device_id, day) DO UPDATE SET
    refused = kept.refused + excluded.refused, refused_metrics = kept.refused_metrics + excluded.refused_metrics,
    stored = kept.stored + excluded.stored, stored_bytes = kept.stored_bytes + excluded.stored_bytes

-- name: list_refusals
-- What was not kept, newest first, as the desk shows it.
SELECT refusal_no, tenant_id, device_id, device_no, seq, received_at, topic, reason, detail, ts, metric, payload, seen,
       last_seq, last_seen_at, replays, replayed_at, replayed_by, replayed_seq
FROM refusal
WHERE (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
  AND (%(topic)s::text IS NULL OR strpos(topic, %(topic)s) > 0)
  AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
  AND (%(before)s::timestamptz IS NULL OR received_at < %(before)s)
  AND (%(refusal_no)s::bigint IS NULL OR refusal_no = %(refusal_no)s)
  AND (%(older_than)s::bigint IS NULL OR refusal_no < %(older_than)s)
ORDER BY refusal_no DESC LIMIT %(limit)s

-- name: list_replayable
-- What may go through the front door again and was not yet, or was refused again since; in the log's order.
SELECT refusal_no, topic, payload, seq, (extract(epoch FROM received_at) * 1000)::bigint, replays
FROM refusal
WHERE (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
  AND (%(topic)s::text IS NULL OR strpos(topic, %(topic)s) > 0)
  AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
  AND (%(before)s::timestamptz IS NULL OR received_at < %(before)s)
  AND (%(refusal_no)s::bigint IS NULL OR refusal_no = %(refusal_no)s)
  AND refusal_no > %(after)s AND refusal_no <= %(up_to)s
  AND reason <> ALL(%(never)s) AND topic ~ %(shape)s AND (replayed_seq IS NULL OR last_seq >= replayed_seq)
ORDER BY refusal_no LIMIT %(limit)s

-- name: count_replayable
-- How many of them there are, and the newest one.
SELECT count(*), coalesce(max(refusal_no), 0)
FROM refusal
WHERE (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(device_id)s::text IS NULL OR device_id = %(device_id)s)
  AND (%(topic)s::text IS NULL OR strpos(topic, %(topic)s) > 0)
  AND (%(since)s::timestamptz IS NULL OR received_at >= %(since)s)
  AND (%(before)s::timestamptz IS NULL OR received_at < %(before)s)
  AND (%(refusal_no)s::bigint IS NULL OR refusal_no = %(refusal_no)s)
  AND refusal_no > %(after)s AND refusal_no <= %(up_to)s
  AND reason <> ALL(%(never)s) AND topic ~ %(shape)s AND (replayed_seq IS NULL OR last_seq >= replayed_seq)

-- name: mark_replayed
-- Its bytes are in the log again, there.
UPDATE refusal SET replays = replays + 1, replayed_at = %(at)s, replayed_by = current_actor(), replayed_seq = sent.seq
FROM unnest(%(refusal_no)s::bigint[], %(seq)s::bigint[]) AS sent (refusal_no, seq)
WHERE refusal.refusal_no = sent.refusal_no

-- name: count_refusals
-- How much of a device was refused: messages with nothing kept of their payload or of a reading, and single metrics.
SELECT coalesce(sum(refused), 0)::bigint, coalesce(sum(refused_metrics), 0)::bigint,
       (SELECT count(*) FROM refusal JOIN device USING (tenant_id, device_id)
        WHERE device.device_no = %(device_no)s AND replayed_seq IS NOT NULL)
FROM device JOIN refusal_day USING (tenant_id, device_id) WHERE device.device_no = %(device_no)s

-- name: list_untimely
-- Of a device's last messages that were refused for their time: place in the log, when it came, its newest time.
SELECT seq, received_at, max(ts) FROM (
    SELECT refusal.seq, received_at, ts
    FROM device JOIN refusal USING (tenant_id, device_id)
    WHERE device.device_no = %(device_no)s AND reason IN ('TS_IN_FUTURE', 'TOO_LATE', 'TS_TOO_OLD')
    ORDER BY refusal_no DESC LIMIT %(rows)s) AS refused
GROUP BY seq, received_at

-- name: forget_refusals
-- The oldest of those that are older than they are kept; they stand in the order in which they came.
DELETE FROM refusal
WHERE refusal_no IN (SELECT refusal_no FROM refusal ORDER BY refusal_no LIMIT %(limit)s) AND received_at < %(before)s

-- name: forget_refusal_days
-- Old days: of a registered device they become one row, so that its counts stay; strangers are forgotten.
WITH gone AS (
    DELETE FROM refusal_day WHERE (tenant_id, device_id, day) IN (
        SELECT tenant_id, device_id, day FROM refusal_day
        WHERE day < %(before)s::date AND day > date '1970-01-01' LIMIT %(limit)s)
    RETURNING tenant_id, device_id, refused, refused_metrics)
INSERT INTO refusal_day AS kept (day, tenant_id, device_id, refused, refused_metrics)
SELECT date '1970-01-01', tenant_id, device_id, sum(refused), sum(refused_metrics)
FROM gone JOIN device USING (tenant_id, device_id) GROUP BY tenant_id, device_id
ON CONFLICT (tenant_id, device_id, day) DO UPDATE SET
    refused = kept.refused + excluded.refused, refused_metrics = kept.refused_metrics + excluded.refused_metrics

-- name: find_class_devices
-- Whose readings the fold at start goes over, if the partition has them.
SELECT device_no, tenant_id, device_id FROM device WHERE class_id = %(class_id)s ORDER BY device_no

-- name: find_senders
-- Under which topic the devices of a conflict speak.
SELECT device_no, tenant_id, device_id FROM device WHERE device_no = ANY(%(device_nos)s)

-- name: end_silent_owners
-- Who holds a partition's lock and has not renewed its lease is stopped or cut off; its session is ended, so that the lock
-- and the rows that it may hold are free, and nothing that it has begun is ever committed. Waits for that, 2 s at most.
SELECT pg_terminate_backend(held.pid, 2000)
FROM partition JOIN pg_locks AS held
  ON held.locktype = 'advisory' AND held.granted AND held.objsubid = 2
 AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
 AND held.classid = (hashtext('foremend.partition')::bigint & 4294967295)::oid
 AND held.objid = partition.first_slot::oid
WHERE lease_until < clock_timestamp() AND held.pid <> pg_backend_pid()

-- name: list_spans
-- All partitions, those first that nobody has had for longest.
SELECT first_slot, last_slot, max(last_slot) OVER () + 1 FROM partition ORDER BY lease_until NULLS FIRST, first_slot

-- name: take_partition
-- Become its owner, when the last one's session is gone (it held the lock).
UPDATE partition SET epoch = epoch + 1, owner = %(owner)s, lease_until = clock_timestamp() + %(lease)s
WHERE first_slot = %(first_slot)s AND pg_try_advisory_lock(hashtext('foremend.partition'), first_slot)
RETURNING epoch, cursor, log_made, (extract(epoch FROM cursor_received_at) * 1000)::bigint

-- name: lock_partitions
-- Nobody advances while they are split.
SELECT cursor FROM partition FOR UPDATE

-- name: split_partition
-- The one there is becomes one for each slot, at its cursor; the epoch moves, so that its owner commits nothing more.
INSERT INTO partition (first_slot, last_slot, epoch, cursor, cursor_at, cursor_received_at, log_made)
SELECT slot, slot, epoch + 1, cursor, cursor_at, cursor_received_at, log_made
FROM partition, generate_series(0, %(slots)s - 1) AS slot
ON CONFLICT (first_slot) DO UPDATE SET last_slot = excluded.last_slot, epoch = excluded.epoch, owner = NULL,
                                       lease_until = NULL

-- name: advance_partition
-- The batch ends here, if we still own it; renews the lease.
UPDATE partition SET cursor = %(cursor)s, cursor_received_at = %(received_at)s, cursor_at = clock_timestamp(),
                     lease_until = clock_timestamp() + %(lease)s
WHERE first_slot = %(first_slot)s AND epoch = %(epoch)s

-- name: renew_partition
-- Its owner lives, though the log brings nothing.
UPDATE partition SET lease_until = clock_timestamp() + %(lease)s WHERE first_slot = %(first_slot)s AND epoch = %(epoch)s

-- name: place_partition
-- Which log the cursor counts in and where it stands there, if we still own it: at the first start, or when the log lost its end.
UPDATE partition SET cursor = %(cursor)s, cursor_received_at = NULL, log_made = %(log_made)s
WHERE first_slot = %(first_slot)s AND epoch = %(epoch)s

-- name: leave_log
-- The log that the cursors counted in is gone, or was read to its end: another one goes on from there.
WITH left_ AS (UPDATE partition SET epoch = epoch + 1, log_made = NULL, cursor_received_at = NULL RETURNING cursor)
SELECT max(cursor) FROM left_

-- name: find_lowest_cursor
-- How far every owner has read: what the log may forget.
SELECT min(cursor) FROM partition

-- name: find_sealed
-- Below which hours what a batch brings makes them stale; nobody seals another one until the batch is committed.
SELECT class_id, (extract(epoch FROM sealed_to) * 1000)::bigint FROM sealing
WHERE class_id = ANY(%(class_ids)s) ORDER BY class_id FOR SHARE

-- name: mark_stale
-- Something came to these hours; the row stays ours until the batch is committed, so that nobody aggregates without it
-- (what the condition leaves as it is, is locked all the same).
INSERT INTO stale_hour (device_no, hour, class_id)
SELECT device_no, hour, %(class_id)s FROM unnest(%(device_no)s::integer[], %(hour)s::timestamptz[]) AS asked (device_no, hour)
ON CONFLICT (device_no, hour) DO UPDATE SET class_id = excluded.class_id WHERE stale_hour.class_id <> excluded.class_id

-- name: seal_hour
-- The next hour of a class is over: from now on it is read from aggregates, once they are made.
WITH sealed AS (
    UPDATE sealing SET sealed_to = sealed_to + INTERVAL '1 hour'
    WHERE class_id = %(class_id)s AND sealed_to + INTERVAL '1 hour' <= %(up_to)s
    RETURNING sealed_to - INTERVAL '1 hour' AS hour),
marked AS (
    INSERT INTO stale_hour (device_no, hour, class_id)
    SELECT device_no, hour, class_id FROM sealed CROSS JOIN device WHERE class_id = %(class_id)s ORDER BY device_no
    ON CONFLICT (device_no, hour) DO NOTHING)
SELECT count(*) FROM sealed

-- name: take_stale
-- The oldest of them that no batch is writing into; they are aggregated in the same transaction.
WITH taken AS (
    SELECT device_no, hour FROM stale_hour WHERE class_id = %(class_id)s
    ORDER BY class_id, hour LIMIT %(hours)s FOR UPDATE SKIP LOCKED)
DELETE FROM stale_hour USING taken WHERE stale_hour.device_no = taken.device_no AND stale_hour.hour = taken.hour
RETURNING stale_hour.device_no, (extract(epoch FROM stale_hour.hour) * 1000)::bigint

-- name: find_sealed_to
-- Up to which hour a class is aggregated.
SELECT (extract(epoch FROM sealed_to) * 1000)::bigint FROM sealing WHERE class_id = %(class_id)s

-- name: list_stale
-- Which hours of a device have to be read from its readings.
SELECT (extract(epoch FROM hour) * 1000)::bigint FROM tenant_stale_hour
WHERE device_no = %(device_no)s AND hour >= %(from)s AND hour < %(to)s ORDER BY hour
