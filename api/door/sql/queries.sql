-- name: add_counts
-- So often more happened at the door, whoever it was.
INSERT INTO door_count (what, times, last_at)
SELECT * FROM unnest(%(what)s::text[], %(times)s::bigint[], %(last_at)s::timestamptz[])
ON CONFLICT (what) DO UPDATE SET times = door_count.times + excluded.times,
    last_at = greatest(door_count.last_at, excluded.last_at)

-- name: read_place
-- Up to when a log of NATS was read, so that no line is counted twice.
SELECT last_at FROM door_count WHERE what = %(what)s
