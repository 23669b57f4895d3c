-- name: move_secrets
-- All secrets.
-- Columns: name, value
SELECT name, value FROM secret ORDER BY name

-- name: move_nonces
-- All tokens that may still be used.
-- Columns: value, expires
SELECT value, expires FROM nonce ORDER BY value

-- name: move_root_lists
-- The lists that hang below nothing.
-- Columns: key, kind, parent_uri, last_modified, whether fields are indexed
SELECT key, kind, parent_uri, last_modified, is_indexed
FROM list WHERE parent IS NULL ORDER BY kind

-- name: move_child_lists
-- The lists below an object.
-- Columns: key, kind, parent_uri, last_modified, whether fields are indexed
SELECT key, kind, parent_uri, last_modified, is_indexed
FROM list WHERE parent = :parent ORDER BY kind

-- name: move_objects
-- Objects and tombstones, with permissions and members as JSON; `from` says which and in which
-- order.
-- Columns: whether there are lists below it, key, kind, parent_uri, id, last_modified, deleted,
-- data, permissions, members
SELECT
    EXISTS (SELECT 1 FROM list AS child WHERE child.parent = o.key),
    o.key,
    l.kind,
    l.parent_uri,
    o.id,
    o.last_modified,
    o.deleted,
    o.data,
    (
        SELECT json_group_array(json_array(permission_name.name, principal.name))
        FROM permission
        JOIN permission_name ON permission_name.key = permission.name
        JOIN principal ON principal.key = permission.principal
        WHERE permission.object = o.key
    ),
    CASE WHEN l.kind = 'group' THEN (
        SELECT json_group_array(principal.name)
        FROM membership JOIN principal ON principal.key = membership.member
        WHERE membership.group_key = o.key
    ) ELSE '[]' END
/* from */

-- name: count_stored
-- How many objects and tombstones there are.
SELECT count(*) FROM object

-- name: find_bucket
-- A live bucket.
-- Columns: key
SELECT object.key
FROM list JOIN object ON object.list = list.key
WHERE list.parent_uri = '' AND list.kind = 'bucket' AND object.id = :id AND object.deleted = 0

-- name: find_free_places
-- The greatest key of an object, and of a list.
SELECT (SELECT coalesce(max(key), 0) FROM object), (SELECT coalesce(max(key), 0) FROM list)

-- name: find_newest
-- The timestamp of the list of buckets.
SELECT coalesce(max(last_modified), 0) FROM list WHERE parent_uri = '' AND kind = 'bucket'

-- name: find_moved_list
-- The list of one kind below an object.
-- Columns: key
SELECT key FROM list WHERE parent_uri = :parent_uri AND kind = :kind

-- name: find_moved_parent
-- A live object by its place.
-- Columns: key, its own parent
SELECT object.key, list.parent
FROM list
JOIN object
    ON object.list = list.key AND object.id_key = kinto_pack_id(:id) AND object.deleted = 0
WHERE list.parent_uri = :parent_uri AND list.kind = :kind

-- name: fill_secret
-- Store a secret in place of one that was made meanwhile.
INSERT INTO secret (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: fill_list
-- Store a list. One that hangs below nothing may be there already.
INSERT INTO list (kind, parent_uri, parent, grandparent, last_modified, is_indexed)
VALUES (:kind, :parent_uri, :parent, :grandparent, :last_modified, :is_indexed)
ON CONFLICT (parent_uri, kind) DO UPDATE
SET last_modified = max(last_modified, excluded.last_modified) WHERE parent IS NULL

-- name: fill_object
-- Store an object under its key.
INSERT INTO object (key, list, id, last_modified, deleted, data) VALUES (?, ?, ?, ?, ?, ?)

-- name: fill_permission
-- Store one permission.
INSERT INTO permission (object, principal, name, list) VALUES (?, ?, ?, ?)

-- name: fill_member
-- Store one member of a group.
INSERT INTO membership (member, group_key, group_principal) VALUES (?, ?, ?)

-- name: find_principal
-- The number of a principal.
SELECT key FROM principal WHERE name = :name

-- name: find_permission_name
-- The number of a permission name.
SELECT key FROM permission_name WHERE kind = :kind AND name = :name

-- name: clear_tombstone
-- Make room where an object was deleted.
DELETE FROM object WHERE list = :list AND id_key = kinto_pack_id(:id) AND deleted = 1

-- name: raise_timestamp
-- A list is never older than what is in it.
UPDATE list SET last_modified = :last_modified
WHERE key = :list AND last_modified < :last_modified

-- name: count_lists_anew
-- Count the live objects of the lists that were filled.
UPDATE list SET live_count = (
    SELECT count(*) FROM object WHERE object.list = list.key AND object.deleted = 0
)
WHERE key >= :first OR parent IS NULL

-- name: forget_kinds
-- Have the next start look for lists that are missing.
DELETE FROM kind

-- name: list_secondary_indexes
-- Indexes that can be left out while much is written; that of ids finds parents meanwhile.
-- Columns: name, the statement that makes it
SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND sql NOT LIKE 'CREATE UNIQUE %' ORDER BY name
