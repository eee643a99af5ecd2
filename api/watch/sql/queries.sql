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

-- name: list_sealed_lags
-- How long ago the last hour ended up to which each class is aggregated, or about to be.
SELECT class_id, extract(epoch FROM clock_timestamp() - sealed_to)::float8 FROM sealing

-- name: list_door_counts
-- How often what happened at the devices' door, and how long ago the last time was.
SELECT what, times, extract(epoch FROM clock_timestamp() - last_at)::float8 FROM door_count WHERE what ~ '^[A-Z_]+$'

-- name: beat
-- A loop has turned; several relays share the row.
INSERT INTO pulse (loop, at, turns) VALUES (%(loop)s, clock_timestamp(), %(turns)s)
ON CONFLICT (loop) DO UPDATE SET at = excluded.at, turns = pulse.turns + excluded.turns

-- name: count_waiting
-- What waits, of one tenant. Every count is over an index of what waits and ends at 100,000: a flood costs no more.
SELECT (SELECT count(*) FROM (SELECT FROM finding WHERE taken_at IS NULL LIMIT 100000) AS f) AS findings_waiting,
       (SELECT count(*) FROM (SELECT FROM finding WHERE set_aside IS NOT NULL LIMIT 100000) AS f) AS findings_set_aside,
       (SELECT count(*) FROM (SELECT FROM alert WHERE review IS NOT NULL LIMIT 100000) AS a) AS alerts_for_review,
       (SELECT count(*) FROM (SELECT FROM question WHERE state = 'OPEN' LIMIT 100000) AS q) AS questions_open,
       coalesce((SELECT last FROM ticket_counter WHERE tenant_id = current_tenant()), 0) AS tickets_opened

-- name: count_active_alerts
-- How the customers of the active alerts were engaged.
SELECT engagement, count(*) FROM (SELECT engagement FROM alert WHERE condition = 'ACTIVE' LIMIT 100000) AS a
GROUP BY engagement

-- name: count_open_tickets
-- How far the open work has come.
SELECT state, count(*) FROM (SELECT state FROM ticket WHERE state NOT IN ('RESOLVED', 'CANCELLED') LIMIT 100000) AS t
GROUP BY state

-- name: count_unsettled_deliveries
-- What is still on its way or was given up, by channel.
SELECT state, split_part(destination, ':', 1) AS channel, count(*)
FROM ((SELECT state, destination FROM delivery WHERE state = 'PENDING' LIMIT 100000)
      UNION ALL (SELECT state, destination FROM delivery WHERE state = 'DEAD' LIMIT 100000)) AS d
GROUP BY 1, 2

-- name: read_oldest_pending
-- Since when the oldest delivery waits: positions are given in order.
SELECT extract(epoch FROM clock_timestamp() - e.at)::float8 FROM delivery AS d JOIN event AS e USING (event_id)
WHERE d.tenant_id = current_tenant()
  AND d.position = (SELECT min(p.position) FROM (SELECT position FROM delivery WHERE state = 'PENDING' LIMIT 100000) AS p)

-- name: count_lives
-- Where devices are in their lives.
SELECT state, count(*) FROM (SELECT state FROM device LIMIT 100000) AS d GROUP BY state

-- name: count_presence
-- How many devices are there, away, awaited and asleep.
SELECT state, count(*) FROM (SELECT state FROM presence WHERE tenant_id = current_tenant() LIMIT 100000) AS p GROUP BY state

-- name: count_outages
-- What is out, by what it is and why; ours are among them.
SELECT kind, cause, count(*) FROM (SELECT kind, cause FROM outage WHERE until IS NULL LIMIT 100000) AS o GROUP BY kind, cause

-- name: count_twins_behind
-- Devices that have not taken what is desired of them, and those of them for which that has lasted.
SELECT count(*), count(*) FILTER (WHERE desired_at < clock_timestamp() - %(silent)s)
FROM (SELECT desired_at FROM twin WHERE tenant_id = current_tenant() AND reported_version < version AND say_at IS NOT NULL
      LIMIT 100000) AS t

-- name: count_open_commands
-- Commands that wait for their devices, and that were sent.
SELECT state, count(*)
FROM (SELECT state FROM command WHERE tenant_id = current_tenant() AND state IN ('QUEUED', 'SENT') LIMIT 100000) AS c
GROUP BY state
