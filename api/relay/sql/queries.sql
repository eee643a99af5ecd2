-- name: lease_desired
-- Desired states that are to be said, the longest waiting first, held for a moment so that two relays never say one at
-- once: those that are new, and of devices that may be there those that they did not answer, at once when they come back.
UPDATE twin AS t SET say_at = %(until)s, said_at = CASE WHEN t.says > 0 THEN %(now)s ELSE t.said_at END
FROM (SELECT w.device_no FROM twin AS w LEFT JOIN presence AS p USING (device_no)
      WHERE w.say_at IS NOT NULL
        AND ((w.says = 0 AND w.say_at <= %(now)s)
             OR (coalesce(p.state, 'ONLINE') IN ('ONLINE', 'AWAITED')
                 AND (w.say_at <= %(now)s OR (p.since > w.said_at AND w.says > 0))))
      ORDER BY w.say_at LIMIT %(limit)s FOR UPDATE OF w SKIP LOCKED) AS due
JOIN device AS d USING (device_no)
WHERE t.device_no = due.device_no
RETURNING t.tenant_id, d.device_id, t.device_no, t.version, t.desired, t.says, d.state

-- name: lease_commands
-- Commands that are to be sent to devices that may be there: of each device the oldest that is not over, when it is due, or
-- at once when the device came back since it was sent.
UPDATE command AS c SET send_at = %(until)s, sent_at = CASE WHEN c.sends > 0 THEN %(now)s ELSE c.sent_at END
FROM (SELECT w.command_id FROM command AS w LEFT JOIN presence AS p USING (device_no)
      WHERE w.send_at IS NOT NULL AND w.expires_at > %(now)s AND coalesce(p.state, 'ONLINE') IN ('ONLINE', 'AWAITED')
        AND (w.send_at <= %(now)s OR p.since > w.sent_at)
        AND NOT EXISTS (SELECT FROM command AS e WHERE e.device_no = w.device_no AND e.state IN ('QUEUED', 'SENT')
                                                   AND e.position < w.position)
      ORDER BY w.send_at LIMIT %(limit)s FOR UPDATE OF w SKIP LOCKED) AS due
WHERE c.command_id = due.command_id
RETURNING c.device_no, c.command_id
