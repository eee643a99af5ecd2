-- name: bound_patience
-- Whoever asks how we are must not wait long for it, nor hold anything up.
SELECT set_config('statement_timeout', '2s', true)

-- name: read_schema_version
-- Which schema the record has.
SELECT max(version) FROM schema_version

-- name: list_partitions
-- Who owns the log's partitions, for how long still, how far they have read and since when they stand there.
SELECT owner, cursor, extract(epoch FROM lease_until - clock_timestamp())::float8 AS lease_left_s,
       extract(epoch FROM clock_timestamp() - cursor_at)::float8 AS still_s
FROM partition ORDER BY first_slot

-- name: list_pulses
-- When the relay's loops last turned.
SELECT loop, turns, extract(epoch FROM clock_timestamp() - at)::float8 AS age_s FROM pulse ORDER BY loop

-- name: beat
-- A loop has turned; several relays share the row.
INSERT INTO pulse (loop, at, turns) VALUES (%(loop)s, clock_timestamp(), %(turns)s)
ON CONFLICT (loop) DO UPDATE SET at = excluded.at, turns = pulse.turns + excluded.turns
