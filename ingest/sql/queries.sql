-- name: store_refusals
-- What a batch could not keep, in its transaction.
INSERT INTO refusal (tenant_id, device_no, seq, received_at, topic, reason, detail, ts, metric, payload)
SELECT * FROM unnest(%(tenant_id)s::text[], %(device_no)s::integer[], %(seq)s::bigint[], %(received_at)s::timestamptz[],
                     %(topic)s::text[], %(reason)s::text[], %(detail)s::text[], %(ts)s::timestamptz[], %(metric)s::text[],
                     %(payload)s::bytea[])

-- name: list_refusals
-- What was not kept, newest first, as the desk shows it.
SELECT refusal_no, tenant_id, device_no, seq, received_at, topic, reason, detail, ts, metric, payload
FROM refusal WHERE %(device_no)s::integer IS NULL OR device_no = %(device_no)s
ORDER BY refusal_no DESC LIMIT %(limit)s

-- name: count_refusals
-- How much of a device was refused: messages with nothing kept of their payload or of a reading, and single metrics.
SELECT count(*) FILTER (WHERE metric IS NULL), count(*) FILTER (WHERE metric IS NOT NULL)
FROM refusal WHERE device_no = %(device_no)s

-- name: find_class_devices
-- Whose readings the fold at start goes over.
SELECT device_no FROM device WHERE class_id = %(class_id)s ORDER BY device_no

-- name: find_senders
-- Under which topic the devices of a conflict speak.
SELECT device_no, tenant_id, device_id FROM device WHERE device_no = ANY(%(device_nos)s)

-- name: take_partition
-- Become its owner: when the last one's session is gone (it held the lock), or has not renewed its lease.
UPDATE partition SET epoch = epoch + 1, owner = %(owner)s, lease_until = clock_timestamp() + %(lease)s
WHERE first_slot = %(first_slot)s
  AND (pg_try_advisory_lock(hashtext('foremend.partition'), first_slot) OR lease_until < clock_timestamp())
RETURNING epoch, cursor, log_made, (extract(epoch FROM cursor_received_at) * 1000)::bigint

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

-- name: find_lowest_cursor
-- How far every owner has read: what the log may forget.
SELECT min(cursor) FROM partition
