-- name: count_kinto_objects
-- How many objects and tombstones there are of each kind.
-- Columns: kind, count
SELECT resource_name, count(*) FROM objects GROUP BY resource_name ORDER BY resource_name

-- name: count_lost_members
-- How many memberships are in groups that do not exist: Kinto leaves them when a bucket goes.
SELECT count(*) FROM user_principals
WHERE principal NOT IN (
    SELECT parent_id || '/groups/' || id
    FROM objects WHERE resource_name = 'group' AND NOT deleted
)

-- name: find_kinto_root_list
-- The timestamp of a list that hangs below nothing; that of accounts is the newest of all, since
-- each account is alone in a list of its own.
SELECT coalesce(as_epoch(greatest(
    (SELECT max(last_modified) FROM timestamps WHERE resource_name = %(kind)s),
    (SELECT max(last_modified) FROM objects WHERE resource_name = %(kind)s)
)), 0)

-- name: read_kinto_objects
-- Objects and tombstones of a kind with all that belongs to them; `from` says which, `uri` how
-- they are named in permissions.
-- Columns: parent_uri, id, last_modified, deleted, data, permissions, members, the kinds below it
-- with the timestamps of these lists
SELECT
    o.parent_id,
    o.id,
    as_epoch(o.last_modified),
    o.deleted,
    o.data::text,
    (
        SELECT json_agg(json_build_array(entry.permission, entry.principal))::text
        FROM access_control_entries AS entry
        WHERE entry.object_id = /* uri */
    ),
    /* members */,
    (
        SELECT json_agg(json_build_array(child.kind, coalesce(as_epoch(greatest(
            (
                SELECT max(used.last_modified) FROM timestamps AS used
                WHERE used.parent_id = /* uri */ AND used.resource_name = child.kind
            ),
            (
                SELECT max(below.last_modified) FROM objects AS below
                WHERE below.parent_id = /* uri */ AND below.resource_name = child.kind
            )
        )), 0)))::text
        FROM unnest(%(kinds_below)s::text[]) AS child (kind)
    )
/* from */

-- name: from_roots
-- The objects that hang below nothing.
FROM objects AS o
WHERE o.resource_name = %(kind)s AND o.parent_id = ''
ORDER BY o.last_modified

-- name: from_accounts
-- Accounts: each is its own parent.
FROM objects AS o
WHERE o.resource_name = %(kind)s
ORDER BY o.last_modified, o.id

-- name: from_buckets
-- The objects below live buckets.
FROM objects AS parent
JOIN objects AS o ON o.parent_id = '/buckets/' || parent.id AND o.resource_name = %(kind)s
/* joined */
WHERE parent.resource_name = 'bucket' AND parent.parent_id = '' AND NOT parent.deleted
ORDER BY o.parent_id, o.last_modified

-- name: join_members
-- Who is in which group.
LEFT JOIN (
    SELECT principal, json_agg(user_id)::text AS names FROM user_principals GROUP BY principal
) AS member ON member.principal = o.parent_id || '/groups/' || o.id

-- name: from_collections
-- The objects below live collections of live buckets.
FROM objects AS bucket
JOIN objects AS parent
    ON parent.parent_id = '/buckets/' || bucket.id AND parent.resource_name = 'collection'
JOIN objects AS o
    ON o.parent_id = parent.parent_id || '/collections/' || parent.id
    AND o.resource_name = %(kind)s
WHERE bucket.resource_name = 'bucket' AND bucket.parent_id = '' AND NOT bucket.deleted
  AND NOT parent.deleted
ORDER BY o.parent_id, o.last_modified
