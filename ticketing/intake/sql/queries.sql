-- name: insert_report
-- What a person sent, beside what became of it.
INSERT INTO report (report_id, tenant_id, device_no, ticket_id, joined, words, contact, photo_sha256, photo_type,
                    photo_bytes, channel, actor, steps, at)
VALUES (%(report_id)s, %(tenant_id)s, %(device_no)s, %(ticket_id)s, %(joined)s, %(words)s, %(contact)s,
        %(photo_sha256)s, %(photo_type)s, %(photo_bytes)s, %(channel)s, %(actor)s, %(steps)s, %(now)s)

-- name: list_reports
-- The witnesses of a ticket, the first one first: that one and the newest, for whoever finds a label may add some all day.
(SELECT report_id, ticket_id, joined, words, contact, photo_sha256, photo_type, photo_bytes, channel, actor, steps, at
 FROM report WHERE ticket_id = %(ticket_id)s ORDER BY report_id LIMIT 1)
UNION
(SELECT report_id, ticket_id, joined, words, contact, photo_sha256, photo_type, photo_bytes, channel, actor, steps, at
 FROM report WHERE ticket_id = %(ticket_id)s ORDER BY report_id DESC LIMIT %(newest)s)
ORDER BY report_id

-- name: count_reports_since
-- Whether somebody reports one device again and again.
SELECT count(*) FROM (
    SELECT at FROM report WHERE tenant_id = %(tenant_id)s AND device_no = %(device_no)s
    ORDER BY report_id DESC LIMIT %(most)s) AS newest
WHERE at > %(since)s
