-- name: list_presence
-- What the record knows of devices, for a worker that starts.
SELECT device_no, state, cause, (extract(epoch FROM since) * 1000)::bigint,
       coalesce((extract(epoch FROM until) * 1000)::bigint, 0)
FROM presence

-- name: list_awaited
-- Who may take his time again, because what he stands behind is back: whoever saw that wrote it down.
SELECT device_no, (extract(epoch FROM since) * 1000)::bigint FROM presence WHERE state = 'AWAITED'

-- name: list_families
-- Which devices stand behind which gateways.
SELECT device_no, gateway_no FROM device WHERE gateway_no IS NOT NULL

-- name: list_gateways_out
-- Gateways that are out, and who stands behind them: one that is heard proves that its gateway is there.
SELECT outage.device_no, (extract(epoch FROM outage.since) * 1000)::bigint, array_agg(child.device_no)
FROM outage JOIN device AS child ON child.gateway_no = outage.device_no
WHERE outage.until IS NULL AND outage.kind = 'GATEWAY'
GROUP BY outage.device_no, outage.since

-- name: lock_outages
-- Workers of several partitions fold outages one after the other; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('foremend outages', 0))

-- name: keep_presence
-- What devices are since when, as it was decided.
INSERT INTO presence AS kept (device_no, tenant_id, state, since, cause, until)
SELECT news.device_no, device.tenant_id, news.state, news.since, news.cause, news.until
FROM unnest(%(device_no)s::integer[], %(state)s::text[], %(since)s::timestamptz[], %(cause)s::text[], %(until)s::timestamptz[])
    AS news (device_no, state, since, cause, until) JOIN device USING (device_no)
ON CONFLICT (device_no) DO UPDATE SET
    state = excluded.state, since = excluded.since, cause = excluded.cause, until = excluded.until

-- name: end_outages
-- These devices are back.
UPDATE outage SET until = greatest(back.at, outage.since)
FROM unnest(%(device_no)s::integer[], %(at)s::timestamptz[]) AS back (device_no, at)
WHERE outage.device_no = back.device_no AND outage.until IS NULL
RETURNING outage.outage_id, outage.kind, outage.parent_id, outage.until

-- name: end_outages_above
-- A device of a site is back, so the site is.
UPDATE outage SET until = greatest(back.at, outage.since)
FROM unnest(%(outage_id)s::uuid[], %(at)s::timestamptz[]) AS back (outage_id, at)
WHERE outage.outage_id = back.outage_id AND outage.until IS NULL AND outage.kind = 'SITE'
RETURNING outage.outage_id

-- name: await_gateways
-- Whoever stands behind them is heard, so they are there, though they have not spoken themselves.
UPDATE presence SET state = 'AWAITED', since = back.at, cause = NULL, until = NULL
FROM unnest(%(device_no)s::integer[], %(at)s::timestamptz[]) AS back (device_no, at)
WHERE presence.device_no = back.device_no AND presence.state = 'OFFLINE'

-- name: release_children
-- What stood under these outages ends with them, all the way down; the devices have their patience again.
WITH RECURSIVE below AS (
    SELECT child.outage_id, parent.until
    FROM outage AS parent JOIN outage AS child ON child.parent_id = parent.outage_id
    WHERE parent.outage_id = ANY(%(outage_ids)s) AND child.until IS NULL
    UNION ALL
    SELECT child.outage_id, below.until
    FROM below JOIN outage AS child ON child.parent_id = below.outage_id WHERE child.until IS NULL),
ended AS (
    UPDATE outage SET until = greatest(below.until, outage.since) FROM below WHERE outage.outage_id = below.outage_id
    RETURNING outage.device_no, outage.until)
UPDATE presence SET state = 'AWAITED', since = ended.until, cause = NULL, until = NULL
FROM ended WHERE presence.device_no = ended.device_no

-- name: open_outages
-- These devices are out; under what they stand behind, if that is out already.
INSERT INTO outage (outage_id, tenant_id, kind, subject, device_no, cause, since, noticed_at, patience_ms, parent_id)
SELECT news.outage_id, device.tenant_id,
       CASE WHEN EXISTS (SELECT FROM device AS child WHERE child.gateway_no = device.device_no) THEN 'GATEWAY' ELSE 'DEVICE' END,
       device.device_id, device.device_no, news.cause, news.since, %(now)s, news.patience_ms,
       coalesce((SELECT o.outage_id FROM outage AS o WHERE o.until IS NULL AND o.device_no = device.gateway_no),
                (SELECT o.outage_id FROM outage AS o JOIN presence ON presence.device_no = device.device_no
                 WHERE o.until IS NULL AND o.tenant_id = device.tenant_id AND o.kind = 'BROKER' AND o.subject = presence.broker),
                (SELECT o.outage_id FROM outage AS o
                 WHERE o.until IS NULL AND o.tenant_id = device.tenant_id AND o.kind = 'SITE' AND o.subject = device.site))
FROM unnest(%(outage_id)s::uuid[], %(device_no)s::integer[], %(cause)s::text[], %(since)s::timestamptz[], %(patience_ms)s::bigint[])
    AS news (outage_id, device_no, cause, since, patience_ms) JOIN device USING (device_no)
ON CONFLICT DO NOTHING
RETURNING outage_id, kind, device_no

-- name: open_outage
-- A site, a broker, or we ourselves are out.
INSERT INTO outage (outage_id, tenant_id, kind, subject, cause, since, noticed_at, until, patience_ms)
VALUES (%(outage_id)s, %(tenant_id)s, %(kind)s, %(subject)s, %(cause)s, %(since)s, %(now)s, %(until)s, %(patience_ms)s)
ON CONFLICT DO NOTHING
RETURNING outage_id

-- name: adopt_outages
-- What began with these outages of gateways, brokers and sites stands under them, though it was noticed before.
WITH behind AS (
    SELECT parent.outage_id, parent.since, parent.patience_ms, device.device_no
    FROM outage AS parent JOIN device ON device.gateway_no = parent.device_no
    WHERE parent.outage_id = ANY(%(outage_ids)s) AND parent.kind = 'GATEWAY'
    UNION ALL
    SELECT parent.outage_id, parent.since, parent.patience_ms, presence.device_no
    FROM outage AS parent JOIN presence ON presence.tenant_id = parent.tenant_id AND presence.broker = parent.subject
    WHERE parent.outage_id = ANY(%(outage_ids)s) AND parent.kind = 'BROKER'
    UNION ALL
    SELECT parent.outage_id, parent.since, parent.patience_ms, device.device_no
    FROM outage AS parent JOIN device ON device.tenant_id = parent.tenant_id AND device.site = parent.subject
    WHERE parent.outage_id = ANY(%(outage_ids)s) AND parent.kind = 'SITE')
UPDATE outage AS child SET parent_id = behind.outage_id
FROM behind
WHERE child.device_no = behind.device_no AND child.until IS NULL AND child.parent_id IS NULL
  AND child.since >= behind.since
                     - greatest(child.patience_ms, behind.patience_ms, %(slack_ms)s) * INTERVAL '1 millisecond'

-- name: count_children
-- How many stand or stood under the outages that last.
UPDATE outage AS parent SET children = counted.children
FROM (SELECT child.parent_id, count(DISTINCT child.device_no)::integer AS children
      FROM outage AS above JOIN outage AS child ON child.parent_id = above.outage_id
      WHERE above.until IS NULL AND above.kind <> 'DEVICE' GROUP BY child.parent_id) AS counted
WHERE parent.outage_id = counted.parent_id AND parent.children <> counted.children

-- name: find_fallen_sites
-- Of the sites of devices that just went out: how many are out that fell together, how many of them stand under nothing
-- yet, since when, and how many are still there.
WITH touched AS (
    SELECT DISTINCT tenant_id, site FROM device WHERE device_no = ANY(%(device_nos)s) AND site IS NOT NULL),
fallen AS (
    SELECT touched.tenant_id, touched.site, outage.since, outage.patience_ms, outage.parent_id,
           max(outage.since) OVER (PARTITION BY touched.tenant_id, touched.site) AS last
    FROM touched JOIN device USING (tenant_id, site)
    JOIN outage ON outage.device_no = device.device_no AND outage.until IS NULL)
SELECT tenant_id, site, count(*), count(*) FILTER (WHERE parent_id IS NULL), min(since), max(patience_ms),
       (SELECT count(*) FROM device JOIN presence USING (device_no)
        WHERE device.tenant_id = fallen.tenant_id AND device.site = fallen.site AND presence.state = 'ONLINE')
FROM fallen
WHERE since >= last - patience_ms * INTERVAL '1 millisecond'
  AND NOT EXISTS (SELECT FROM outage AS site_out WHERE site_out.until IS NULL AND site_out.tenant_id = fallen.tenant_id
                  AND site_out.kind = 'SITE' AND site_out.subject = fallen.site)
GROUP BY tenant_id, site

-- name: keep_bridges
-- What bridges said last; `since`: for how long they have said the same.
INSERT INTO bridge AS kept (tenant_id, bridge_id, broker, slot, connected, since, heard_at)
SELECT * FROM unnest(%(tenant_id)s::text[], %(bridge_id)s::text[], %(broker)s::text[], %(slot)s::integer[],
                     %(connected)s::boolean[], %(at)s::timestamptz[], %(heard_at)s::timestamptz[])
ON CONFLICT (tenant_id, bridge_id) DO UPDATE SET
    broker = excluded.broker, slot = excluded.slot, connected = excluded.connected, heard_at = excluded.heard_at,
    since = CASE WHEN kept.connected = excluded.connected AND kept.broker = excluded.broker THEN kept.since
                 ELSE excluded.since END

-- name: silence_bridges
-- Who has said nothing for too long is as good as not connected; only whoever reads what it says can know.
UPDATE bridge SET connected = false, since = heard_at
WHERE connected AND heard_at < %(deadline)s AND slot BETWEEN %(first_slot)s AND %(last_slot)s

-- name: keep_brokers
-- From which broker devices come; who is there by that word alone is there.
INSERT INTO presence AS kept (device_no, tenant_id, state, since, broker)
SELECT device.device_no, device.tenant_id, 'ONLINE', came.at, came.broker
FROM unnest(%(tenant_id)s::text[], %(device_id)s::text[], %(broker)s::text[], %(at)s::timestamptz[])
    AS came (tenant_id, device_id, broker, at) JOIN device USING (tenant_id, device_id)
ON CONFLICT (device_no) DO UPDATE SET broker = excluded.broker WHERE kept.broker IS DISTINCT FROM excluded.broker

-- name: list_brokers
-- How each broker stands by the word of all its bridges, and its outage if it has one.
SELECT bridge.tenant_id, bridge.broker, bool_or(bridge.connected), max(bridge.since) FILTER (WHERE bridge.connected),
       max(bridge.since), max(bridge.heard_at), outage.outage_id
FROM bridge LEFT JOIN outage
  ON outage.until IS NULL AND outage.tenant_id = bridge.tenant_id AND outage.kind = 'BROKER' AND outage.subject = bridge.broker
GROUP BY bridge.tenant_id, bridge.broker, outage.outage_id

-- name: end_outage
-- A broker, or we ourselves, are back.
UPDATE outage SET until = greatest(%(until)s, since) WHERE outage_id = %(outage_id)s AND until IS NULL

-- name: find_ours
-- Our own outage of that kind that lasts, or that another partition's worker has written down already.
SELECT outage_id, until FROM outage
WHERE tenant_id = '' AND kind = 'OURSELVES' AND subject = %(subject)s AND (until IS NULL OR until >= %(since)s)
ORDER BY until NULLS FIRST LIMIT 1

-- name: read_listening
-- Since when and until when this partition's last worker knew that devices could reach us.
SELECT (extract(epoch FROM since) * 1000)::bigint, (extract(epoch FROM heard_at) * 1000)::bigint
FROM listening WHERE first_slot = %(first_slot)s

-- name: keep_listening
-- Devices can reach us, and somebody judges.
INSERT INTO listening (first_slot, since, heard_at) VALUES (%(first_slot)s, %(since)s, %(heard_at)s)
ON CONFLICT (first_slot) DO UPDATE SET since = excluded.since, heard_at = excluded.heard_at

-- name: find_presence
-- What a device is, for its page.
SELECT device_no, state, since, cause, until, broker FROM presence WHERE device_no = %(device_no)s

-- name: find_outage_of
-- What keeps a device away, and what that stands under, the nearest first.
WITH RECURSIVE above AS (
    SELECT outage.*, 0 AS level FROM outage WHERE device_no = %(device_no)s AND until IS NULL
    UNION ALL
    SELECT outage.*, above.level + 1 FROM above JOIN outage ON outage.outage_id = above.parent_id)
SELECT outage_id, tenant_id, kind, subject, device_no, cause, since, noticed_at, until, patience_ms, parent_id, children
FROM above ORDER BY level LIMIT 4

-- name: list_outages
-- Facts, newest first, as the desk and programs ask for them; ours are among them: a page of each, in the order of an index.
SELECT found.* FROM unnest(ARRAY[current_tenant(), '']) AS whose (tenant_id)
CROSS JOIN LATERAL (
    SELECT outage_id, tenant_id, kind, subject, device_no, cause, since, noticed_at, until, patience_ms, parent_id, children
    FROM outage
    WHERE outage.tenant_id = whose.tenant_id
      AND (%(lasts)s::boolean IS NULL OR (until IS NULL) = %(lasts)s)
      AND (%(kind)s::text IS NULL OR kind = %(kind)s)
      AND (%(device_no)s::integer IS NULL OR device_no = %(device_no)s)
      AND (%(parent_id)s::uuid IS NULL OR parent_id = %(parent_id)s)
      AND (NOT %(top)s::boolean OR parent_id IS NULL)
      AND (%(older_than)s::uuid IS NULL
           OR (since, outage_id) < ((SELECT since FROM outage WHERE outage_id = %(older_than)s), %(older_than)s::uuid))
    ORDER BY since DESC, outage_id DESC LIMIT %(limit)s) AS found
ORDER BY since DESC, outage_id DESC LIMIT %(limit)s

-- name: list_children
-- Of each of some outages, the first that stand under it.
SELECT child.outage_id, child.tenant_id, child.kind, child.subject, child.device_no, child.cause, child.since, child.noticed_at,
       child.until, child.patience_ms, child.parent_id, child.children
FROM unnest(%(outage_ids)s::uuid[]) AS asked (outage_id)
CROSS JOIN LATERAL (
    SELECT * FROM outage WHERE parent_id = asked.outage_id ORDER BY since, outage_id LIMIT %(each)s) AS child
ORDER BY child.since, child.outage_id

-- name: forget_outages
-- What ended so long ago that nobody asks any more; never what lasts, nor what something that is kept stands under.
DELETE FROM outage WHERE outage_id IN (
    SELECT outage_id FROM outage AS old WHERE until < %(before)s
    AND NOT EXISTS (SELECT FROM outage AS child WHERE child.parent_id = old.outage_id AND (child.until IS NULL OR child.until >= %(before)s))
    ORDER BY until LIMIT %(limit)s)

-- name: forget_bridges
-- A bridge that was not heard of for a month is gone; the outage of its broker ends with the word of the last one.
DELETE FROM bridge WHERE heard_at < %(before)s

-- name: end_bridgeless
-- Nobody would ever say that such a broker is back.
UPDATE outage SET until = %(now)s
WHERE until IS NULL AND kind = 'BROKER'
  AND NOT EXISTS (SELECT FROM bridge WHERE bridge.tenant_id = outage.tenant_id AND bridge.broker = outage.subject)
RETURNING outage_id

-- name: forget_listening
-- Partitions that are no more: one of the same number has not listened since then.
DELETE FROM listening WHERE first_slot NOT IN (SELECT first_slot FROM partition)

-- name: activate_heard
-- Claimed devices that are there are in service.
UPDATE device SET state = 'ACTIVE', version = version + 1
WHERE device_no IN (
    SELECT device.device_no FROM device JOIN presence USING (device_no)
    WHERE device.state = 'CLAIMED' AND presence.state = 'ONLINE'
    LIMIT %(limit)s FOR UPDATE OF device SKIP LOCKED)
RETURNING tenant_id, device_id
