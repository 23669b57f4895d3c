-- name: list_indexes
-- The indexes of a list.
-- Columns: key, field, built_to
SELECT key, field, built_to FROM field_index WHERE list = :list

-- name: mark_indexed
-- Remember whether objects of a list have to be put into indexes when they are written.
UPDATE list SET is_indexed = :is_indexed WHERE key = :list

-- name: find_child_list
-- The list of one kind below an object.
-- Columns: key, live_count
SELECT key, live_count FROM list WHERE parent_uri = :parent_uri AND kind = :kind

-- name: list_ready_indexes
-- The indexes of a list that hold all its objects.
-- Columns: field, key
SELECT field, key FROM field_index WHERE list = :list AND built_to IS NULL

-- name: insert_index
-- Begin an index; it is not used before it is built.
INSERT INTO field_index (list, field, built_to) VALUES (:list, :field, 0)

-- name: delete_index
-- Forget an index and its entries.
DELETE FROM field_index WHERE key = :key

-- name: delete_entries
-- Forget the entries of an object.
DELETE FROM field_value WHERE object = :object

-- name: insert_entry
-- Store the entry of an object in one index.
INSERT INTO field_value (field, rank, value, last_modified, object)
SELECT :index, /* rank */, /* value */, o.last_modified, o.key
FROM object AS o WHERE o.key = :object AND o.deleted = 0

-- name: find_unbuilt_index
-- An index that some objects are not in yet.
-- Columns: key, list, field, built_to
SELECT key, list, field, built_to FROM field_index WHERE built_to IS NOT NULL LIMIT 1

-- name: find_end_of_step
-- The last of the next objects to be put into an index.
SELECT max(key) FROM (
    SELECT key FROM object WHERE list = :list AND key > :built_to ORDER BY key LIMIT :size
)

-- name: build_entries
-- Put the next objects into an index; those written since it was begun are there already.
INSERT INTO field_value (field, rank, value, last_modified, object)
SELECT :index, /* rank */, /* value */, o.last_modified, o.key
FROM object AS o
WHERE o.list = :list AND o.deleted = 0 AND o.key > :built_to AND o.key <= :end
ON CONFLICT DO NOTHING

-- name: move_index
-- Remember up to which object an index is built; null: all of them.
UPDATE field_index SET built_to = :built_to WHERE key = :key

-- name: list_indexed_objects
-- A page of live objects, found by an index on one of their fields.
-- Columns: key, id, last_modified, data, deleted
SELECT o.key, o.id, o.last_modified, o.data, o.deleted
FROM field_value AS v CROSS JOIN object AS o ON o.key = v.object
WHERE v.field = :index /* entry */ AND o.deleted = 0 /* filters */ /* after */
ORDER BY /* sort */
LIMIT :limit

-- name: count_indexed_objects
-- How many live objects match, found by an index on one of their fields.
SELECT count(*)
FROM field_value AS v CROSS JOIN object AS o ON o.key = v.object
WHERE v.field = :index /* entry */ AND o.deleted = 0 /* filters */
