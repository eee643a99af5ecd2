-- name: insert_snapshot
-- The evidence, frozen: there is no statement that changes it, and no right to.
INSERT INTO snapshot (snapshot_id, tenant_id, device_no, at, sha256, body)
VALUES (%(snapshot_id)s, %(tenant_id)s, %(device_no)s, %(at)s, %(sha256)s, %(body)s)

-- name: find_snapshot
-- The document as it is downloaded.
SELECT snapshot_id, tenant_id, device_no, at, sha256, body FROM snapshot WHERE snapshot_id = %(snapshot_id)s
