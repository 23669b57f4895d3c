-- name: begin_read
-- Begin a transaction that sees one state of the database.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY

-- name: begin_write
-- Begin a transaction whose statements each see what is committed by then: whoever waited for
-- her turn sees what was written meanwhile.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE

-- name: limit_read
-- How long each statement of a read may take, in milliseconds (0: as long as it takes); until
-- the transaction ends.
SELECT set_config('statement_timeout', %(read)s::text, true)

-- name: limit_write
-- How long a write may wait for its turn, how long a statement of it may take, and how long it
-- may do nothing; all in milliseconds. Whatever the role or the server have as their default, a
-- commit is answered when it is on disk.
SELECT
    set_config('lock_timeout', %(wait)s::text, true),
    set_config('statement_timeout', %(statement)s::text, true),
    set_config('idle_in_transaction_session_timeout', %(idle)s::text, true),
    set_config(
        'synchronous_commit',
        coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'),
        true
    )

-- name: lock_list
-- Wait until nobody else writes to a list, and let nobody else until the transaction ends.
SELECT key FROM list
WHERE kinto_short(list.parent_uri) = kinto_short(%(parent_uri)s) AND list.kind = %(kind)s
  AND list.parent_uri = %(parent_uri)s
FOR NO KEY UPDATE

-- name: lock_list_at_once
-- The same without waiting: no row when another one writes there.
SELECT key FROM list
WHERE kinto_short(list.parent_uri) = kinto_short(%(parent_uri)s) AND list.kind = %(kind)s
  AND list.parent_uri = %(parent_uri)s
FOR NO KEY UPDATE SKIP LOCKED

-- name: lock_lists_below
-- Wait for all lists below some objects, in the order that all writers keep.
SELECT list.key FROM list
WHERE list.parent = ANY(%(parents)s::bigint[]) OR list.parent IN (
    SELECT object.key
    FROM list AS children JOIN object ON object.list = children.key
    WHERE children.parent = ANY(%(parents)s::bigint[])
)
ORDER BY array_position(%(kinds)s::text[], list.kind), list.parent_uri
FOR UPDATE

-- name: lock_all_lists
-- Wait until nobody writes anywhere.
LOCK TABLE list IN EXCLUSIVE MODE

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
        SELECT string_agg(DISTINCT authority.need::text, ',')
        FROM authority
        WHERE authority.principal = ANY(%(asker)s::bigint[])
          AND authority.object = ANY(ARRAY[list.parent, list.grandparent, object.key])
    ),
    CASE WHEN EXISTS (
        SELECT 1
        FROM permission_reader AS reader
        WHERE reader.principal = ANY(%(asker)s::bigint[]) AND reader.object = object.key
    ) THEN (
        SELECT json_agg(json_build_array(permission.name, principal.name))
        FROM permission JOIN principal ON principal.key = permission.principal
        WHERE permission.object = object.key
    ) END
FROM list LEFT JOIN object
    ON object.list = list.key AND kinto_short(object.id) = kinto_short(%(id)s)
    AND object.id = %(id)s
WHERE kinto_short(list.parent_uri) = kinto_short(%(parent_uri)s) AND list.kind = %(kind)s
  AND list.parent_uri = %(parent_uri)s

-- name: find_row
-- An object or its tombstone.
-- Columns: key, last_modified, data, deleted
SELECT object.key, object.last_modified, object.data, object.deleted
FROM list JOIN object
    ON object.list = list.key AND kinto_short(object.id) = kinto_short(%(id)s)
    AND object.id = %(id)s
WHERE kinto_short(list.parent_uri) = kinto_short(%(parent_uri)s) AND list.kind = %(kind)s
  AND list.parent_uri = %(parent_uri)s

-- name: find_list
-- What is known about a list URL, for one asker.
-- Columns: list, list timestamp, live count, needs, whether some object is visible directly
SELECT
    list.key,
    list.last_modified,
    list.live_count,
    (
        SELECT string_agg(DISTINCT authority.need::text, ',')
        FROM authority
        WHERE authority.principal = ANY(%(asker)s::bigint[])
          AND authority.object = ANY(ARRAY[list.parent, list.grandparent])
    ),
    EXISTS (
        SELECT 1
        FROM authority
        WHERE authority.principal = ANY(%(asker)s::bigint[])
          AND authority.list = list.key AND authority.need = %(need)s
    )
FROM list
WHERE kinto_short(list.parent_uri) = kinto_short(%(parent_uri)s) AND list.kind = %(kind)s
  AND list.parent_uri = %(parent_uri)s

-- name: list_live_objects
-- A page of the live objects of a list.
-- Columns: key, id, last_modified, data, deleted
SELECT o.key, o.id, o.last_modified, o.data, o.deleted
FROM object AS o
WHERE o.list = %(list)s AND NOT o.deleted /* filters */ /* after */
ORDER BY /* sort */
LIMIT %(limit)s

-- name: list_all_objects
-- A page of the live objects and the tombstones of a list; each half is read in the order of
-- the index, and the halves are merged.
-- Columns: key, id, last_modified, data, deleted
SELECT o.key, o.id, o.last_modified, o.data, o.deleted
FROM (
    SELECT o.key, o.id, o.last_modified, o.data, o.deleted, o.fields
    FROM object AS o
    WHERE o.list = %(list)s AND NOT o.deleted /* filters */ /* after */
    UNION ALL
    SELECT o.key, o.id, o.last_modified, o.data, o.deleted, o.fields
    FROM object AS o
    WHERE o.list = %(list)s AND o.deleted /* filters */ /* after */
) AS o
ORDER BY /* sort */
LIMIT %(limit)s

-- name: list_visible_objects
-- A page of the objects that the asker holds a need on directly. It starts from the asker's
-- permission rows, never from the objects of the list.
-- Columns: key, id, last_modified, data, deleted
WITH visible (key) AS MATERIALIZED (
    SELECT DISTINCT authority.object
    FROM authority
    WHERE authority.principal = ANY(%(asker)s::bigint[])
      AND authority.list = %(list)s AND authority.need = %(need)s
)
SELECT o.key, o.id, o.last_modified, o.data, o.deleted
FROM visible JOIN object AS o ON o.key = visible.key
WHERE NOT o.deleted /* filters */ /* after */
ORDER BY /* sort */
LIMIT %(limit)s

-- name: count_live_objects
-- How many live objects of a list match.
SELECT count(*)
FROM object AS o
WHERE o.list = %(list)s AND NOT o.deleted /* filters */

-- name: count_visible_objects
-- How many of the objects that the asker holds a need on directly match.
WITH visible (key) AS MATERIALIZED (
    SELECT DISTINCT authority.object
    FROM authority
    WHERE authority.principal = ANY(%(asker)s::bigint[])
      AND authority.list = %(list)s AND authority.need = %(need)s
)
SELECT count(*)
FROM visible JOIN object AS o ON o.key = visible.key
WHERE NOT o.deleted /* filters */

-- name: list_snapshot
-- The records of a list as they were at some time: those that were not changed since, and of the
-- others the entry of the history that has their state then. `target` begins with the id and
-- the timestamp of the record itself, so nothing that a client stored can be taken for them.
-- Columns: id, last_modified, data (of the record, or of the entry), whether it is an entry
WITH entries AS (
    SELECT DISTINCT ON (record.id)
        record.id,
        (entry.fields #>> '{target,data,last_modified}')::bigint AS last_modified,
        entry.data
    FROM list AS records
    JOIN list AS history ON history.kind = 'history'
        AND kinto_short(history.parent_uri) = kinto_short(%(bucket_uri)s)
    JOIN object AS entry ON entry.list = history.key AND NOT entry.deleted
    JOIN object AS record ON record.list = records.key
        AND kinto_short(record.id) = kinto_short(entry.fields ->> 'record_id')
    WHERE kinto_short(records.parent_uri) = kinto_short(%(parent_uri)s)
      AND records.kind = 'record'
      -- Without changes since then nobody needs the history.
      AND records.last_modified > %(timestamp)s
      AND entry.fields ->> 'collection_id' = %(collection)s
      AND record.last_modified > %(timestamp)s
      AND (entry.fields #>> '{target,data,last_modified}')::bigint <= %(timestamp)s
    ORDER BY record.id, (entry.fields #>> '{target,data,last_modified}')::bigint DESC
)
SELECT record.id, record.last_modified, record.data, false
FROM list AS records
JOIN object AS record
    ON record.list = records.key AND NOT record.deleted
    AND record.last_modified <= %(timestamp)s
WHERE kinto_short(records.parent_uri) = kinto_short(%(parent_uri)s) AND records.kind = 'record'
UNION ALL
SELECT id, last_modified, data, true FROM entries
ORDER BY 2 DESC, 1

-- name: count_all
-- How many live objects and tombstones there are of each kind.
-- Columns: kind, deleted, count
SELECT list.kind, object.deleted, count(*)
FROM list JOIN object ON object.list = list.key
GROUP BY list.kind, object.deleted

-- name: start_list
-- Give a list that was never used its first timestamp.
UPDATE list SET last_modified = %(timestamp)s WHERE key = %(list)s AND last_modified = 0

-- name: change_list
-- Move the timestamp and the counter of a list. A timestamp never goes back.
UPDATE list
SET last_modified = greatest(last_modified, %(timestamp)s),
    live_count = live_count + %(change)s
WHERE key = %(list)s

-- name: insert_object
-- Store a new object; its fields are made from its data, or given when that cannot be.
-- Columns: key
INSERT INTO object (list, id, last_modified, data, fields)
VALUES (
    %(list)s, %(id)s, %(last_modified)s, %(data)s,
    coalesce(%(fields)s::text, %(data)s::text)::jsonb
)
RETURNING key

-- name: update_object
-- Replace an object, or bring a tombstone back to life.
UPDATE object
SET last_modified = %(last_modified)s,
    data = %(data)s,
    fields = coalesce(%(fields)s::text, %(data)s::text)::jsonb,
    deleted = false
WHERE key = %(key)s

-- name: insert_child_list
-- Make room for the objects of one kind below a new object.
INSERT INTO list (kind, parent_uri, parent, grandparent)
SELECT %(kind)s, %(parent_uri)s, %(parent)s, list.parent
FROM list WHERE list.key = %(list)s

-- name: insert_root_list
-- Make room for the objects of a kind that hangs below nothing.
INSERT INTO list (kind, parent_uri) VALUES (%(kind)s, '') ON CONFLICT DO NOTHING

-- name: insert_missing_child_lists
-- Make room for the objects of a kind below all parents that were stored before the kind was
-- known.
INSERT INTO list (kind, parent_uri, parent, grandparent)
SELECT
    %(kind)s, list.parent_uri || '/' || %(plural)s::text || '/' || object.id,
    object.key, list.parent
FROM list JOIN object ON object.list = list.key AND NOT object.deleted
WHERE list.kind = %(parent_kind)s
ON CONFLICT DO NOTHING

-- name: bury_object
-- Turn an object into its tombstone.
UPDATE object
SET last_modified = %(last_modified)s, data = '{"deleted":true}', deleted = true,
    fields = '{"deleted":true}'
WHERE key = %(key)s

-- name: delete_oldest
-- Delete matching objects for good, all but the newest, and their permissions.
-- Columns: how many they were
WITH old AS (
    SELECT o.key
    FROM object AS o
    WHERE o.list = %(list)s AND NOT o.deleted /* filters */
    ORDER BY o.last_modified DESC, o.key DESC
    OFFSET %(keep)s
),
gone AS (DELETE FROM object USING old WHERE object.key = old.key RETURNING object.key),
unused AS (DELETE FROM permission USING old WHERE permission.object = old.key),
unindexed AS (DELETE FROM field_value USING old WHERE field_value.object = old.key)
SELECT count(*) FROM gone

-- name: delete_child_lists
-- Delete lists and all that lies below: objects, tombstones, timestamps, permissions,
-- memberships, indexes.
WITH gone AS (
    DELETE FROM object WHERE list = ANY(%(lists)s::bigint[]) RETURNING key
),
unindexed AS (DELETE FROM field_index WHERE list = ANY(%(lists)s::bigint[]) RETURNING key),
entries AS (DELETE FROM field_value USING unindexed WHERE field_value.field = unindexed.key),
granted AS (DELETE FROM permission USING gone WHERE permission.object = gone.key),
left_groups AS (DELETE FROM membership USING gone WHERE membership.group_key = gone.key)
DELETE FROM list WHERE key = ANY(%(lists)s::bigint[])

-- name: delete_all_lists
-- Empty the database. Principals keep their numbers: writers that wait have looked them up.
WITH gone AS (DELETE FROM object),
unindexed AS (DELETE FROM field_index),
entries AS (DELETE FROM field_value),
granted AS (DELETE FROM permission),
left_groups AS (DELETE FROM membership)
DELETE FROM list WHERE parent IS NOT NULL

-- name: reset_root_lists
-- Let the lists that hang below nothing be as if they were never used; a node that knows other
-- kinds has lists there, too.
UPDATE list SET last_modified = 0, live_count = 0, is_indexed = false WHERE parent IS NULL

-- name: insert_nonce
-- Remember a page token that may be used once.
INSERT INTO nonce (value, expires) VALUES (%(value)s, %(expires)s)

-- name: take_nonce
-- Use up a page token.
DELETE FROM nonce WHERE value = %(value)s AND expires >= %(now)s RETURNING value

-- name: delete_old_nonces
-- Forget page tokens that were never used; those that another node is about to forget are left
-- to it.
DELETE FROM nonce WHERE value IN (
    SELECT value FROM nonce WHERE expires < %(now)s FOR UPDATE SKIP LOCKED
)

-- name: find_old_tombstones
-- The newest tombstone of each list that may go, and how many may go with it: those beyond the
-- newest ones to keep, and before a time if one is given.
-- Columns: list, last_modified, key, total
WITH ranked (list, last_modified, key, place) AS (
    SELECT object.list, object.last_modified, object.key, row_number() OVER (
        PARTITION BY object.list ORDER BY object.last_modified DESC, object.key DESC
    )
    FROM list JOIN object ON object.list = list.key AND object.deleted
    WHERE list.kind = ANY(%(kinds)s::text[])
)
SELECT DISTINCT ON (list) list, last_modified, key, count(*) OVER (PARTITION BY list)
FROM ranked
WHERE place > %(keep)s
  AND (%(before)s::bigint IS NULL OR last_modified < %(before)s::bigint)
ORDER BY list, place

-- name: delete_tombstones
-- Delete some tombstones for good, oldest first.
-- Columns: how many they were
WITH gone AS (
    DELETE FROM object WHERE deleted AND key IN (
        SELECT key FROM object
        WHERE list = %(list_key)s AND deleted
          AND (last_modified, key) <= (%(last_modified)s, %(key)s)
        ORDER BY last_modified, key
        LIMIT %(limit)s
    )
    RETURNING key
)
SELECT count(*) FROM gone

-- name: delete_all_nonces
-- Forget all page tokens.
DELETE FROM nonce

-- name: read_secret
-- A secret, if it was made.
SELECT value FROM secret WHERE name = %(name)s

-- name: insert_secret
-- Keep a secret; the first one wins.
INSERT INTO secret (name, value) VALUES (%(name)s, %(value)s) ON CONFLICT DO NOTHING

-- name: find_risks
-- What of the server's settings lets a power cut lose or damage what was committed.
-- Columns: name
SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'

-- name: probe
-- Whether the database can be written to.
-- Columns: whether it can
SELECT current_setting('transaction_read_only') = 'off' AND has_table_privilege('list', 'UPDATE')
