-- name: lock_device
-- Whoever opens or joins a ticket of this device comes one after the other (20: this room's lock space).
SELECT pg_advisory_xact_lock(20, %(device_no)s)

-- name: next_number
-- The tenant's next ticket number; the row stays locked to the end, a rollback gives the number back.
INSERT INTO ticket_counter (tenant_id, last) VALUES (%(tenant_id)s, 1)
ON CONFLICT (tenant_id) DO UPDATE SET last = ticket_counter.last + 1
RETURNING last

-- name: insert_ticket
-- New work.
INSERT INTO ticket (ticket_id, tenant_id, number, device_no, family, severity, source, customer_id, alert_id,
                    snapshot_id, opened_at, changed_at)
VALUES (%(ticket_id)s, %(tenant_id)s, %(number)s, %(device_no)s, %(family)s, %(severity)s, %(source)s,
        %(customer_id)s, %(alert_id)s, %(snapshot_id)s, %(now)s, %(now)s)

-- name: find_ticket
-- One ticket, with the name that people know its device by.
SELECT t.ticket_id, t.tenant_id, t.number, t.device_no, d.device_id, t.family, t.severity, t.source, t.state, t.version,
       t.en_route, t.customer_id, t.alert_id, t.snapshot_id, t.proposed_id, t.engineer_id, t.reopened, t.opened_at,
       t.changed_at
FROM ticket t JOIN device d USING (device_no) WHERE t.ticket_id = %(ticket_id)s

-- name: lock_ticket
-- The same, held against everybody who would move it at once.
SELECT t.ticket_id, t.tenant_id, t.number, t.device_no, d.device_id, t.family, t.severity, t.source, t.state, t.version,
       t.en_route, t.customer_id, t.alert_id, t.snapshot_id, t.proposed_id, t.engineer_id, t.reopened, t.opened_at,
       t.changed_at
FROM ticket t JOIN device d USING (device_no) WHERE t.ticket_id = %(ticket_id)s FOR UPDATE OF t

-- name: find_ticket_by_number
-- The ticket that somebody reads out on the telephone.
SELECT t.ticket_id, t.tenant_id, t.number, t.device_no, d.device_id, t.family, t.severity, t.source, t.state, t.version,
       t.en_route, t.customer_id, t.alert_id, t.snapshot_id, t.proposed_id, t.engineer_id, t.reopened, t.opened_at,
       t.changed_at
FROM ticket t JOIN device d USING (device_no) WHERE t.tenant_id = %(tenant_id)s AND t.number = %(number)s

-- name: list_open_tickets_of_device
-- The open work on one device, oldest first.
SELECT t.ticket_id, t.tenant_id, t.number, t.device_no, d.device_id, t.family, t.severity, t.source, t.state, t.version,
       t.en_route, t.customer_id, t.alert_id, t.snapshot_id, t.proposed_id, t.engineer_id, t.reopened, t.opened_at,
       t.changed_at
FROM ticket t JOIN device d USING (device_no)
WHERE t.tenant_id = %(tenant_id)s AND t.device_no = %(device_no)s AND t.state NOT IN ('RESOLVED', 'CANCELLED')
ORDER BY t.ticket_id

-- name: list_tickets
-- The desk's list, newest first.
SELECT t.ticket_id, t.tenant_id, t.number, t.device_no, d.device_id, t.family, t.severity, t.source, t.state, t.version,
       t.en_route, t.customer_id, t.alert_id, t.snapshot_id, t.proposed_id, t.engineer_id, t.reopened, t.opened_at,
       t.changed_at
FROM ticket t JOIN device d USING (device_no)
WHERE (%(device_no)s::integer IS NULL OR t.device_no = %(device_no)s)
ORDER BY t.ticket_id DESC LIMIT %(limit)s

-- name: save_ticket
-- What a move changed; the version is what the next one must have seen.
UPDATE ticket SET state = %(state)s, version = %(version)s, en_route = %(en_route)s, engineer_id = %(engineer_id)s,
    reopened = %(reopened)s, changed_at = %(changed_at)s
WHERE ticket_id = %(ticket_id)s

-- name: set_proposed
-- Who heads the newest proposal.
UPDATE ticket SET proposed_id = %(engineer_id)s WHERE ticket_id = %(ticket_id)s

-- name: list_repairs
-- Of each of these devices and each fault, when the latest repair was closed as done.
SELECT device_no, family, max(changed_at) FROM ticket
WHERE tenant_id = %(tenant_id)s AND device_no = ANY(%(device_nos)s) AND state = 'RESOLVED'
GROUP BY device_no, family ORDER BY device_no, max(changed_at) DESC, family

-- name: attach_evidence
-- A ticket that a person's report opened gets the evidence of the alert that joins it; what it has it keeps.
UPDATE ticket SET alert_id = coalesce(alert_id, %(alert_id)s), snapshot_id = coalesce(snapshot_id, %(snapshot_id)s)
WHERE ticket_id = %(ticket_id)s
