-- name: store_link
-- A link as the database may know it: by the hash of its token.
INSERT INTO link (token_sha256, tenant_id, purpose, subject_id, recipient, minted_at, expires_at)
VALUES (%(token_sha256)s, %(tenant_id)s, %(purpose)s, %(subject_id)s, %(recipient)s, %(now)s, %(expires_at)s)

-- name: find_link
-- What the bearer of a token may see; before the tenant is known, the policy shows this one row.
SELECT tenant_id, subject_id, recipient, minted_at FROM link
WHERE token_sha256 = %(token_sha256)s AND purpose = %(purpose)s AND expires_at > %(now)s

-- name: forget_links
-- What has opened nothing for so long opens nothing any more.
DELETE FROM link WHERE token_sha256 IN (
    SELECT token_sha256 FROM link WHERE expires_at < %(before)s ORDER BY expires_at LIMIT %(limit)s)
