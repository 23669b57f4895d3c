-- name: find_object
-- What is known about an object URL, for one asker: the list, the object or its tombstone, the
-- needs the asker holds here, and the permissions when the asker may see them.
-- Columns: list, list timestamp, live count, whether fields are indexed, key, last_modified,
-- data, deleted, needs, permissions
SELECT
    list.key,
    list.last_modified,
    list.live_count,
    list.is_indexed,
    object.key,
    object.last_modified,
    object.data,
    object.deleted,
    (
        SELECT group_concat(DISTINCT authority.need)
        FROM json_each(:asker) AS asker
        CROSS JOIN authority ON authority.principal = asker.value
        WHERE authority.object IN (list.parent, list.grandparent, object.key)
    ),
    CASE WHEN EXISTS (
        SELECT 1
        FROM json_each(:asker) AS asker
        CROSS JOIN permission_reader AS reader ON reader.principal = asker.value
        WHERE reader.object = object.key
    ) THEN (
        SELECT json_group_array(json_array(permission.name, principal.name))
        FROM permission JOIN principal ON principal.key = permission.principal
        WHERE permission.object = object.key
    ) END
FROM list LEFT JOIN object ON object.list = list.key AND object.id_key = :id_key
WHERE list.parent_uri = :parent_uri AND list.kind = :kind

-- name: find_row
-- An object or its tombstone.
-- Columns: key, last_modified, data, deleted
SELECT object.key, object.last_modified, object.data, object.deleted
FROM list CROSS JOIN object ON object.list = list.key AND object.id_key = :id_key
WHERE list.parent_uri = :parent_uri AND list.kind = :kind

-- name: find_list
-- What is known about a list URL, for one asker.
-- Columns: list, list timestamp, live count, needs, whether some object is visible directly
SELECT
    list.key,
    list.last_modified,
    list.live_count,
    (
        SELECT group_concat(DISTINCT authority.need)
        FROM json_each(:asker) AS asker
        CROSS JOIN authority ON authority.principal = asker.value
        WHERE authority.object IN (list.parent, list.grandparent)
    ),
    EXISTS (
        SELECT 1
        FROM json_each(:asker) AS asker
        CROSS JOIN authority ON authority.principal = asker.value
        WHERE authority.list = list.key AND authority.need = :need
    )
FROM list
WHERE list.parent_uri = :parent_uri AND list.kind = :kind

-- name: list_live_objects
-- A page of the live objects of a list.
-- Columns: key, id, last_modified, data, deleted
SELECT o.key, o.id, o.last_modified, o.data, o.deleted
FROM object AS o
WHERE o.list = :list AND o.deleted = 0 /* filters */ /* after */
ORDER BY /* sort */
LIMIT :limit

-- name: list_all_objects
-- A page of the live objects and the tombstones of a list; each half is read in the order of
-- the index, and the halves are merged.
-- Columns: key, id, last_modified, data, deleted
SELECT o.key, o.id, o.last_modified, o.data, o.deleted
FROM (
    SELECT o.key, o.id, o.last_modified, o.data, o.deleted
    FROM object AS o
    WHERE o.list = :list AND o.deleted = 0 /* filters */ /* after */
    UNION ALL
    SELECT o.key, o.id, o.last_modified, o.data, o.deleted
    FROM object AS o
    WHERE o.list = :list AND o.deleted = 1 /* filters */ /* after */
) AS o
ORDER BY /* sort */
LIMIT :limit

-- name: list_visible_objects
-- A page of the objects that the asker holds a need on directly. It starts from the asker's
-- permission rows, never from the objects of the list.
-- Columns: key, id, last_modified, data, deleted
WITH visible (key) AS MATERIALIZED (
    SELECT DISTINCT authority.object
    FROM json_each(:asker) AS asker
    CROSS JOIN authority ON authority.principal = asker.value
    WHERE authority.list = :list AND authority.need = :need
)
SELECT o.key, o.id, o.last_modified, o.data, o.deleted
FROM visible CROSS JOIN object AS o ON o.key = visible.key
WHERE o.deleted = 0 /* filters */ /* after */
ORDER BY /* sort */
LIMIT :limit

-- name: count_live_objects
-- How many live objects of a list match.
SELECT count(*)
FROM object AS o
WHERE o.list = :list AND o.deleted = 0 /* filters */

-- name: count_visible_objects
-- How many of the objects that the asker holds a need on directly match.
WITH visible (key) AS MATERIALIZED (
    SELECT DISTINCT authority.object
    FROM json_each(:asker) AS asker
    CROSS JOIN authority ON authority.principal = asker.value
    WHERE authority.list = :list AND authority.need = :need
)
SELECT count(*)
FROM visible CROSS JOIN object AS o ON o.key = visible.key
WHERE o.deleted = 0 /* filters */

-- name: list_snapshot
-- The records of a list as they were at some time: those that were not changed since, and of the
-- others the state that the history has of then. `target` begins with the id and the timestamp
-- of the record itself, so nothing that a client stored can be taken for them.
-- Columns: key, id, last_modified, data, deleted
WITH state (id, last_modified, data) AS (
    SELECT record.id, entry.data ->> '$.target.data.last_modified', entry.data -> '$.target.data'
    FROM list AS records
    CROSS JOIN list AS history
    CROSS JOIN object AS entry ON entry.list = history.key AND entry.deleted = 0
    CROSS JOIN object AS record
        ON record.list = records.key AND record.id_key = kinto_pack_id(entry.data ->> '$.record_id')
    WHERE records.parent_uri = :parent_uri AND records.kind = 'record'
      -- Without changes since then nobody needs the history.
      AND records.last_modified > :timestamp
      AND history.parent_uri = :bucket_uri AND history.kind = 'history'
      AND entry.data ->> '$.collection_id' = :collection
      AND record.last_modified > :timestamp
)
SELECT 0, record.id, record.last_modified, record.data, 0
FROM list AS records
JOIN object AS record
    ON record.list = records.key AND record.deleted = 0 AND record.last_modified <= :timestamp
WHERE records.parent_uri = :parent_uri AND records.kind = 'record'
UNION ALL
SELECT 0, id, max(last_modified), json_remove(data, '$.id', '$.last_modified'), 0
FROM state
WHERE last_modified <= :timestamp
GROUP BY id
ORDER BY 3 DESC, 2

-- name: count_all
-- How many live objects and tombstones there are of each kind.
-- Columns: kind, deleted, count
SELECT list.kind, object.deleted, count(*)
FROM list JOIN object ON object.list = list.key
GROUP BY list.kind, object.deleted

-- name: start_list
-- Give a list that was never used its first timestamp.
UPDATE list SET last_modified = :timestamp WHERE key = :list AND last_modified = 0

-- name: change_list
-- Move the timestamp and the counter of a list. A timestamp never goes back.
UPDATE list
SET last_modified = max(last_modified, :timestamp), live_count = live_count + :change
WHERE key = :list

-- name: insert_object
-- Store a new object.
INSERT INTO object (list, id, last_modified, data)
VALUES (:list, :id, :last_modified, :data)

-- name: update_object
-- Replace an object, or bring a tombstone back to life.
UPDATE object SET last_modified = :last_modified, data = :data, deleted = 0 WHERE key = :key

-- name: insert_child_list
-- Make room for the objects of one kind below a new object.
INSERT INTO list (kind, parent_uri, parent, grandparent)
SELECT :kind, :parent_uri, :parent, list.parent
FROM list WHERE list.key = :list

-- name: insert_root_list
-- Make room for the objects of a kind that hangs below nothing.
INSERT INTO list (kind, parent_uri) VALUES (:kind, '') ON CONFLICT DO NOTHING

-- name: insert_missing_child_lists
-- Make room for the objects of a kind below all parents that were stored before the kind was
-- known.
INSERT INTO list (kind, parent_uri, parent, grandparent)
SELECT :kind, list.parent_uri || '/' || :plural || '/' || object.id, object.key, list.parent
FROM list JOIN object ON object.list = list.key AND object.deleted = 0
WHERE list.kind = :parent_kind
ON CONFLICT DO NOTHING

-- name: bury_object
-- Turn an object into its tombstone.
UPDATE object SET last_modified = :last_modified, data = '{"deleted":true}', deleted = 1
WHERE key = :key

-- name: find_old_tombstones
-- The newest tombstone of each list that may go, and how many may go with it: those beyond the
-- newest :keep, and before a time if one is given.
-- Columns: list, last_modified, key, total, place
WITH ranked (list, last_modified, key, place) AS (
    SELECT object.list, object.last_modified, object.key, row_number() OVER (
        PARTITION BY object.list ORDER BY object.last_modified DESC, object.key DESC
    )
    FROM list CROSS JOIN object ON object.list = list.key AND object.deleted = 1
    WHERE list.kind IN (SELECT value FROM json_each(:kinds))
)
-- Beside min(), the other columns are those of the row that has the minimum.
SELECT list, last_modified, key, count(*), min(place)
FROM ranked
WHERE place > :keep AND (:before IS NULL OR last_modified < :before)
GROUP BY list

-- name: delete_tombstones
-- Delete some tombstones for good, oldest first.
DELETE FROM object WHERE key IN (
    SELECT key FROM object
    WHERE list = :list_key AND deleted = 1 AND last_modified <= :last_modified
      AND (last_modified < :last_modified OR key <= :key)
    ORDER BY last_modified, key
    LIMIT :limit
)

-- name: delete_oldest
-- Delete matching objects for good, all but the newest.
DELETE FROM object WHERE key IN (
    SELECT o.key
    FROM object AS o
    WHERE o.list = :list AND o.deleted = 0 /* filters */
    ORDER BY o.last_modified DESC, o.key DESC
    LIMIT -1 OFFSET :keep
)

-- name: delete_child_lists
-- Delete the lists below an object, and with them, by foreign keys, all that lies below:
-- objects, tombstones, timestamps, permissions, memberships.
DELETE FROM list WHERE parent = :key

-- name: delete_all_lists
-- Empty the database.
DELETE FROM list

-- name: delete_all_principals
-- Forget all principals; nothing refers to them any more.
DELETE FROM principal

-- name: insert_nonce
-- Remember a page token that may be used once.
INSERT INTO nonce (value, expires) VALUES (:value, :expires)

-- name: take_nonce
-- Use up a page token.
DELETE FROM nonce WHERE value = :value AND expires >= :now RETURNING value

-- name: delete_old_nonces
-- Forget page tokens that were never used.
DELETE FROM nonce WHERE expires < :now

-- name: delete_all_nonces
-- Forget all page tokens.
DELETE FROM nonce

-- name: read_secret
-- A secret, if it was made.
SELECT value FROM secret WHERE name = :name

-- name: insert_secret
-- Keep a secret; the first one wins.
INSERT INTO secret (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING

-- name: probe
-- Show that the database can be written to, without leaving a trace.
UPDATE list SET last_modified = last_modified WHERE key = 0
