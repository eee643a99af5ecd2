-- name: put_engineer
-- Who works here; said again, the newest word holds.
INSERT INTO engineer (engineer_id, tenant_id, slug, name, regions, skills, level, load_cap)
VALUES (%(engineer_id)s, %(tenant_id)s, %(slug)s, %(name)s, %(regions)s, %(skills)s, %(level)s, %(load_cap)s)
ON CONFLICT (tenant_id, slug) DO UPDATE SET name = excluded.name, regions = excluded.regions, skills = excluded.skills,
    level = excluded.level, load_cap = excluded.load_cap
RETURNING engineer_id

-- name: list_engineers
-- Everybody who works for the tenant.
SELECT engineer_id, tenant_id, slug, name, regions, skills, level, load_cap FROM engineer
WHERE tenant_id = %(tenant_id)s ORDER BY slug

-- name: find_engineer
-- Who accepted, or who was proposed.
SELECT engineer_id, tenant_id, slug, name, regions, skills, level, load_cap FROM engineer
WHERE engineer_id = %(engineer_id)s

-- name: list_standings
-- Each engineer with the open tickets held or proposed (this one aside), and the repairs done on this very device.
SELECT e.engineer_id, e.tenant_id, e.slug, e.name, e.regions, e.skills, e.level, e.load_cap,
       (SELECT count(*) FROM ticket t
        WHERE t.tenant_id = e.tenant_id AND coalesce(t.engineer_id, t.proposed_id) = e.engineer_id
          AND t.state IN ('READY', 'DISPATCHED', 'IN_PROGRESS') AND t.ticket_id <> %(ticket_id)s) AS load,
       (SELECT count(*) FROM ticket t
        WHERE t.tenant_id = e.tenant_id AND t.device_no = %(device_no)s AND t.engineer_id = e.engineer_id
          AND t.state = 'RESOLVED') AS visits_here
FROM engineer e WHERE e.tenant_id = %(tenant_id)s ORDER BY e.slug

-- name: insert_proposal
-- What was proposed for a ticket at this moment, and why.
INSERT INTO proposal (proposal_id, tenant_id, ticket_id, at, ranked, left_out)
VALUES (%(proposal_id)s, %(tenant_id)s, %(ticket_id)s, %(now)s, %(ranked)s, %(left_out)s)

-- name: find_proposal
-- The newest proposal of a ticket.
SELECT proposal_id, ticket_id, at, ranked, left_out FROM proposal
WHERE ticket_id = %(ticket_id)s ORDER BY proposal_id DESC LIMIT 1
