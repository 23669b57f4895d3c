-- name: list_indexes
-- The indexes of a list.
-- Columns: key, field, built_to
SELECT key, field, built_to FROM field_index WHERE list = %(list)s

-- name: mark_indexed
-- Remember whether objects of a list have to be put into indexes when they are written; this
-- waits for who writes there now.
UPDATE list SET is_indexed = %(is_indexed)s WHERE key = %(list)s

-- name: find_child_list
-- The list of one kind below an object.
-- Columns: key, live_count
SELECT key, live_count FROM list
WHERE kinto_short(parent_uri) = kinto_short(%(parent_uri)s) AND kind = %(kind)s
  AND parent_uri = %(parent_uri)s

-- name: list_ready_indexes
-- The indexes of a list that hold all its objects.
-- Columns: field, key
SELECT field, key FROM field_index WHERE list = %(list)s AND built_to IS NULL

-- name: insert_index
-- Begin an index; it is not used before it is built.
INSERT INTO field_index (list, field, built_to) VALUES (%(list)s, %(field)s, 0)

-- name: delete_index
-- Forget an index and its entries.
WITH gone AS (DELETE FROM field_value WHERE field = %(key)s)
DELETE FROM field_index WHERE key = %(key)s

-- name: delete_entries
-- Forget the entries of an object.
DELETE FROM field_value WHERE object = %(object)s

-- name: insert_entry
-- Store the entry of an object in one index.
INSERT INTO field_value (field, rank, number, text, last_modified, object)
SELECT %(index)s, /* entry */, o.last_modified, o.key
FROM object AS o WHERE o.key = %(object)s AND NOT o.deleted

-- name: find_unbuilt_index
-- An index that some objects are not in yet.
-- Columns: key, list, field, built_to
SELECT key, list, field, built_to FROM field_index WHERE built_to IS NOT NULL
ORDER BY key LIMIT 1

-- name: lock_list_by_key
-- Wait until nobody else writes to a list, and let nobody else until the transaction ends.
SELECT key FROM list WHERE key = %(list)s FOR NO KEY UPDATE

-- name: find_end_of_step
-- The last of the next objects to be put into an index.
SELECT max(key) FROM (
    SELECT key FROM object
    WHERE list = %(list)s AND key > %(built_to)s ORDER BY key LIMIT %(size)s
) AS step

-- name: build_entries
-- Put the next objects into an index; those written since it was begun are there already.
INSERT INTO field_value (field, rank, number, text, last_modified, object)
SELECT %(index)s, /* entry */, o.last_modified, o.key
FROM object AS o
WHERE o.list = %(list)s AND NOT o.deleted AND o.key > %(built_to)s AND o.key <= %(end)s
ON CONFLICT DO NOTHING

-- name: move_index
-- Remember up to which object an index is built; null: all of them.
UPDATE field_index SET built_to = %(built_to)s WHERE key = %(key)s

-- name: list_indexed_objects
-- A page of live objects, found by an index on one of their fields.
-- Columns: key, id, last_modified, data, deleted
SELECT o.key, o.id, o.last_modified, o.data, o.deleted
FROM field_value AS v JOIN object AS o ON o.key = v.object
WHERE v.field = %(index)s /* entry */ AND NOT o.deleted /* filters */ /* after */
ORDER BY /* sort */
LIMIT %(limit)s

-- name: count_indexed_objects
-- How many live objects match, found by an index on one of their fields.
SELECT count(*)
FROM field_value AS v JOIN object AS o ON o.key = v.object
WHERE v.field = %(index)s /* entry */ AND NOT o.deleted /* filters */
