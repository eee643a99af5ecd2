-- name: insert_finding
-- What a batch of readings came to, in the batch's transaction.
INSERT INTO finding (tenant_id, device_no, rule, claim, metric, observed, expected, since, at, seq, evidence)
VALUES (%(tenant_id)s, %(device_no)s, %(rule)s, %(claim)s, %(metric)s, %(observed)s, %(expected)s, %(since)s, %(at)s,
        %(seq)s, %(evidence)s)

-- name: hint_findings
-- Whoever takes findings looks again at once; its own polling is the guarantee.
SELECT pg_notify('finding', '')

-- name: count_findings
-- How much was found on a device.
SELECT count(*) FROM finding WHERE device_no = %(device_no)s

-- name: list_findings
-- What was found on a device, in the order in which it was decided.
SELECT device_no, rule, claim, metric, observed, expected, (extract(epoch FROM since) * 1000)::bigint AS since_ms,
       (extract(epoch FROM at) * 1000)::bigint AS at_ms, seq, evidence
FROM finding WHERE device_no = %(device_no)s ORDER BY finding_no DESC LIMIT %(limit)s

-- name: recall_findings
-- What was decided up to the cursor, for the fold at start: of each rule on each device more than it can have decided in
-- the days that are folded (it holds for half an hour at least, both ways), and the last one before them.
SELECT device_no, rule, claim, metric, observed, expected, (extract(epoch FROM since) * 1000)::bigint AS since_ms,
       (extract(epoch FROM at) * 1000)::bigint AS at_ms, seq, evidence
FROM (SELECT *, row_number() OVER (PARTITION BY device_no, rule ORDER BY finding_no DESC) AS age FROM finding
      WHERE seq <= %(cursor)s) AS aged
WHERE age <= 250 ORDER BY finding_no

-- name: save_checkpoint
-- What the detectors remember at the cursor; the one before it is of no use any more.
INSERT INTO checkpoint (first_slot, seq, fingerprint, memory)
VALUES (%(first_slot)s, %(seq)s, %(fingerprint)s, %(memory)b)
ON CONFLICT (first_slot) DO UPDATE SET seq = excluded.seq, fingerprint = excluded.fingerprint,
                                       memory = excluded.memory, written_at = excluded.written_at

-- name: find_checkpoint
-- What this code remembered at or before the cursor.
SELECT seq, memory FROM checkpoint
WHERE first_slot = %(first_slot)s AND fingerprint = %(fingerprint)s AND seq <= %(cursor)s

-- name: drop_checkpoint
-- The cursor counts in another log from now on.
DELETE FROM checkpoint WHERE first_slot = %(first_slot)s

-- name: oldest_checkpoint
-- From before it nobody reads the log again.
SELECT min(seq) FROM checkpoint

-- name: forget_findings
-- Of the next so many, those that are old and that no fold needs any more: a later one of the same rule has been decided,
-- and that so long before the device's newest one that it is not among the days that are folded. The newest stay, always.
WITH looked AS (
    SELECT finding_no, tenant_id, device_no, rule, coalesce(taken_at < %(before)s, false) AS old FROM finding
    WHERE finding_no > %(after)s ORDER BY finding_no LIMIT %(limit)s),
gone AS (
    DELETE FROM finding WHERE finding_no IN (
        SELECT looked.finding_no FROM looked
        CROSS JOIN LATERAL (
            SELECT newest.at FROM finding AS newest
            WHERE newest.tenant_id = looked.tenant_id AND newest.device_no = looked.device_no
            ORDER BY newest.finding_no DESC LIMIT 1) AS newest
        WHERE looked.old AND EXISTS (
            SELECT FROM finding AS later
            WHERE later.tenant_id = looked.tenant_id AND later.device_no = looked.device_no
              AND later.finding_no > looked.finding_no AND later.rule = looked.rule
              AND later.at < newest.at - %(folded)s::interval))
    RETURNING 1)
SELECT max(finding_no), count(*) FILTER (WHERE old), (SELECT count(*) FROM gone) FROM looked
