-- name: find_nodes
-- How far the edge nodes of a batch are.
SELECT tenant_id, group_id, node_id, last_seq, last_sent_ms, online, since, born_at, lacking, rebirth_wanted_at
FROM unnest(%(tenant_id)s::text[], %(group_id)s::text[], %(node_id)s::text[]) AS asked (tenant_id, group_id, node_id)
JOIN sparkplug_node USING (tenant_id, group_id, node_id)

-- name: find_births
-- What was in force for them and their devices before a message of the log.
SELECT tenant_id, group_id, node_id, device_id, seq, received_at, born, bd_seq, sent_ms, since_ms, metrics
FROM unnest(%(tenant_id)s::text[], %(group_id)s::text[], %(node_id)s::text[], %(device_id)s::text[])
    AS asked (tenant_id, group_id, node_id, device_id)
JOIN sparkplug_birth AS birth USING (tenant_id, group_id, node_id, device_id)
WHERE birth.seq < %(before)s AND (birth.superseded_seq IS NULL OR birth.superseded_seq >= %(before)s)

-- name: save_nodes
-- How far they are after a batch; a tenant that nobody founded has none.
INSERT INTO sparkplug_node AS kept (tenant_id, group_id, node_id, last_seq, last_sent_ms, online, since, born_at, lacking,
                                    rebirth_wanted_at)
SELECT told.*
FROM unnest(%(tenant_id)s::text[], %(group_id)s::text[], %(node_id)s::text[], %(last_seq)s::smallint[],
            %(last_sent_ms)s::bigint[], %(online)s::boolean[], %(since)s::timestamptz[], %(born_at)s::timestamptz[],
            %(lacking)s::boolean[], %(rebirth_wanted_at)s::timestamptz[])
    AS told (tenant_id, group_id, node_id, last_seq, last_sent_ms, online, since, born_at, lacking, rebirth_wanted_at)
JOIN tenant USING (tenant_id)
ON CONFLICT (tenant_id, group_id, node_id) DO UPDATE SET
    last_seq = excluded.last_seq, last_sent_ms = excluded.last_sent_ms, online = excluded.online, since = excluded.since,
    born_at = excluded.born_at, lacking = excluded.lacking, rebirth_wanted_at = excluded.rebirth_wanted_at

-- name: supersede_births
-- From here on others hold.
UPDATE sparkplug_birth AS kept SET superseded_seq = told.seq
FROM unnest(%(tenant_id)s::text[], %(group_id)s::text[], %(node_id)s::text[], %(device_id)s::text[], %(seq)s::bigint[])
    AS told (tenant_id, group_id, node_id, device_id, seq)
WHERE (kept.tenant_id, kept.group_id, kept.node_id, kept.device_id)
    = (told.tenant_id, told.group_id, told.node_id, told.device_id) AND kept.superseded_seq IS NULL

-- name: add_births
-- What births and deaths of a batch say; what stood there was of a log that lost its end.
INSERT INTO sparkplug_birth (tenant_id, group_id, node_id, device_id, seq, superseded_seq, received_at, born, bd_seq,
                             sent_ms, since_ms, metrics)
SELECT told.*
FROM unnest(%(tenant_id)s::text[], %(group_id)s::text[], %(node_id)s::text[], %(device_id)s::text[], %(seq)s::bigint[],
            %(superseded_seq)s::bigint[], %(received_at)s::timestamptz[], %(born)s::boolean[], %(bd_seq)s::bigint[],
            %(sent_ms)s::bigint[], %(since_ms)s::bigint[], %(metrics)s::bytea[])
    AS told (tenant_id, group_id, node_id, device_id, seq, superseded_seq, received_at, born, bd_seq, sent_ms, since_ms,
             metrics)
JOIN tenant USING (tenant_id)
ON CONFLICT (tenant_id, group_id, node_id, device_id, seq) DO UPDATE SET
    superseded_seq = excluded.superseded_seq, received_at = excluded.received_at, born = excluded.born,
    bd_seq = excluded.bd_seq, sent_ms = excluded.sent_ms, since_ms = excluded.since_ms, metrics = excluded.metrics

-- name: drop_births
-- The log lost its end: what was said there nobody has said.
DELETE FROM sparkplug_birth WHERE seq > %(cursor)s

-- name: restore_births
-- And what it had superseded holds again.
UPDATE sparkplug_birth SET superseded_seq = NULL WHERE superseded_seq > %(cursor)s

-- name: forget_births
-- Nobody reads the log again from before this message.
DELETE FROM sparkplug_birth WHERE superseded_seq <= %(before)s

-- name: list_lacking
-- Edge nodes that shall say their births again and have not been told so.
SELECT tenant_id, group_id, node_id, rebirth_wanted_at FROM sparkplug_node
WHERE lacking AND rebirth_wanted_at IS DISTINCT FROM rebirth_asked_for
ORDER BY rebirth_wanted_at LIMIT %(limit)s

-- name: mark_asked
-- They have been told.
UPDATE sparkplug_node AS node SET rebirth_asked_for = asked.wanted_at
FROM unnest(%(tenant_id)s::text[], %(group_id)s::text[], %(node_id)s::text[], %(wanted_at)s::timestamptz[])
    AS asked (tenant_id, group_id, node_id, wanted_at)
WHERE (node.tenant_id, node.group_id, node.node_id) = (asked.tenant_id, asked.group_id, asked.node_id)

-- name: list_nodes
-- What a tenant's people see of its edge nodes.
SELECT group_id, node_id, online, since, born_at, lacking, rebirth_wanted_at, rebirth_asked_for
FROM sparkplug_node ORDER BY lacking DESC, group_id, node_id LIMIT %(limit)s
