-- name: listen_findings
-- Be woken when the detectors wrote something; only a hint, looking again is the guarantee.
LISTEN finding

-- name: list_waiting_findings
-- What the detectors claimed and nobody took yet, in order; a second taker waits here and then sees what is left.
SELECT f.finding_no, f.tenant_id, d.class_id, f.device_no, f.rule, f.claim, f.metric, f.observed, f.expected,
       f.since, f.at, f.evidence
FROM finding f JOIN device d USING (device_no)
WHERE f.taken_at IS NULL
ORDER BY f.finding_no LIMIT %(limit)s
FOR UPDATE OF f

-- name: settle_finding
-- A finding is taken once; what could not be taken is set aside with its error and shown.
UPDATE finding SET taken_at = %(now)s, set_aside = %(error)s WHERE finding_no = %(finding_no)s

-- name: list_set_aside
-- Findings that could not be taken, for the desk.
SELECT f.finding_no, d.device_id, f.rule, f.claim, f.at, f.set_aside
FROM finding f JOIN device d USING (device_no)
WHERE f.set_aside IS NOT NULL ORDER BY f.finding_no DESC LIMIT %(limit)s

-- name: raise_alert
-- The alert of a device and rule: a new one, or the ACTIVE one once more, whoever races.
INSERT INTO alert (alert_id, tenant_id, device_no, rule, family, severity, metric, observed, expected, since,
                   raised_at, last_seen, evidence, look_at)
VALUES (%(alert_id)s, %(tenant_id)s, %(device_no)s, %(rule)s, %(family)s, %(severity)s, %(metric)s, %(observed)s,
        %(expected)s, %(since)s, %(now)s, %(at)s, %(evidence)s, %(now)s)
ON CONFLICT (tenant_id, device_no, rule) WHERE condition = 'ACTIVE' DO UPDATE SET
    occurrences = alert.occurrences + 1,
    last_seen = greatest(alert.last_seen, excluded.last_seen),
    since = least(alert.since, excluded.since),
    observed = excluded.observed, expected = excluded.expected, evidence = excluded.evidence,
    look_at = CASE WHEN alert.engagement = 'NONE' AND alert.look_at IS NULL THEN excluded.look_at ELSE alert.look_at END
RETURNING alert_id

-- name: find_alert
-- One alert, with the name that people know its device by.
SELECT a.alert_id, a.tenant_id, a.device_no, d.device_id, a.rule, a.family, a.severity, a.condition, a.engagement,
       a.metric, a.observed, a.expected, a.since, a.raised_at, a.last_seen, a.occurrences, a.cleared_at, a.evidence,
       a.ticket_id, a.review, a.look_at, a.waits_for
FROM alert a JOIN device d USING (device_no) WHERE a.alert_id = %(alert_id)s

-- name: lock_alert
-- The same, held against everybody who would decide about it at once.
SELECT a.alert_id, a.tenant_id, a.device_no, d.device_id, a.rule, a.family, a.severity, a.condition, a.engagement,
       a.metric, a.observed, a.expected, a.since, a.raised_at, a.last_seen, a.occurrences, a.cleared_at, a.evidence,
       a.ticket_id, a.review, a.look_at, a.waits_for
FROM alert a JOIN device d USING (device_no) WHERE a.alert_id = %(alert_id)s FOR UPDATE OF a

-- name: lock_active_alert
-- The ACTIVE alert that a "cleared" speaks of.
SELECT a.alert_id, a.tenant_id, a.device_no, d.device_id, a.rule, a.family, a.severity, a.condition, a.engagement,
       a.metric, a.observed, a.expected, a.since, a.raised_at, a.last_seen, a.occurrences, a.cleared_at, a.evidence,
       a.ticket_id, a.review, a.look_at, a.waits_for
FROM alert a JOIN device d USING (device_no)
WHERE a.tenant_id = %(tenant_id)s AND a.device_no = %(device_no)s AND a.rule = %(rule)s AND a.condition = 'ACTIVE'
FOR UPDATE OF a

-- name: claim_due_alert
-- The next alert that the gate should look at, unless another one is looking at it.
SELECT a.alert_id, a.tenant_id, a.device_no, d.device_id, a.rule, a.family, a.severity, a.condition, a.engagement,
       a.metric, a.observed, a.expected, a.since, a.raised_at, a.last_seen, a.occurrences, a.cleared_at, a.evidence,
       a.ticket_id, a.review, a.look_at, a.waits_for
FROM alert a JOIN device d USING (device_no)
WHERE a.look_at <= %(now)s ORDER BY a.look_at, a.alert_id LIMIT 1
FOR UPDATE OF a SKIP LOCKED

-- name: save_alert
-- What a decision changed.
UPDATE alert SET condition = %(condition)s, engagement = %(engagement)s, cleared_at = %(cleared_at)s,
    last_seen = %(last_seen)s, ticket_id = %(ticket_id)s, review = %(review)s, look_at = %(look_at)s,
    waits_for = %(waits_for)s
WHERE alert_id = %(alert_id)s

-- name: list_alerts
-- The desk's list, newest first.
SELECT a.alert_id, a.tenant_id, a.device_no, d.device_id, a.rule, a.family, a.severity, a.condition, a.engagement,
       a.metric, a.observed, a.expected, a.since, a.raised_at, a.last_seen, a.occurrences, a.cleared_at, a.evidence,
       a.ticket_id, a.review, a.look_at, a.waits_for
FROM alert a JOIN device d USING (device_no)
WHERE (%(device_no)s::integer IS NULL OR a.device_no = %(device_no)s)
  AND (%(condition)s::text IS NULL OR a.condition = %(condition)s)
ORDER BY a.alert_id DESC LIMIT %(limit)s

-- name: list_reviews
-- What waits for a person at the desk.
SELECT a.alert_id, a.tenant_id, a.device_no, d.device_id, a.rule, a.family, a.severity, a.condition, a.engagement,
       a.metric, a.observed, a.expected, a.since, a.raised_at, a.last_seen, a.occurrences, a.cleared_at, a.evidence,
       a.ticket_id, a.review, a.look_at, a.waits_for
FROM alert a JOIN device d USING (device_no)
WHERE a.review IS NOT NULL ORDER BY a.alert_id DESC LIMIT %(limit)s

-- name: put_on_shelf
-- Nobody is asked about this device and rule before then.
INSERT INTO shelf (tenant_id, device_no, rule, until, reason, actor, at)
VALUES (%(tenant_id)s, %(device_no)s, %(rule)s, %(until)s, %(reason)s, %(actor)s, %(now)s)
ON CONFLICT (tenant_id, device_no, rule) DO UPDATE SET
    until = excluded.until, reason = excluded.reason, actor = excluded.actor, at = excluded.at

-- name: find_shelf
-- Until when it is shelved, if it ever was.
SELECT until FROM shelf WHERE tenant_id = %(tenant_id)s AND device_no = %(device_no)s AND rule = %(rule)s
