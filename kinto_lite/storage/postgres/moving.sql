-- name: begin_snapshot
-- See one state of the database until the end.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY

-- name: set_patience
-- Let statements and pauses be as long as they are, and locks be waited for as long as given, in
-- milliseconds; what is committed is on disk.
SELECT
    set_config('statement_timeout', '0', true),
    set_config('idle_in_transaction_session_timeout', '0', true),
    set_config('lock_timeout', %(wait)s::text, true),
    set_config(
        'synchronous_commit',
        coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'),
        true
    )

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
-- Columns: kind, parent_uri, last_modified, fields that are indexed
SELECT
    kind,
    parent_uri,
    last_modified,
    (SELECT json_agg(field ORDER BY field)::text FROM field_index WHERE field_index.list = list.key)
FROM list WHERE parent IS NULL ORDER BY kind

-- name: move_objects
-- Objects and tombstones with what belongs to them as JSON; `which` says which of them.
-- Columns: key, kind, parent_uri, id, last_modified, deleted, data, permissions, members, the
-- lists below it
SELECT
    o.key,
    l.kind,
    l.parent_uri,
    o.id,
    o.last_modified,
    o.deleted,
    o.data,
    (
        SELECT json_agg(json_build_array(permission_name.name, principal.name))::text
        FROM permission
        JOIN permission_name ON permission_name.key = permission.name
        JOIN principal ON principal.key = permission.principal
        WHERE permission.object = o.key
    ),
    CASE WHEN l.kind = 'group' THEN (
        SELECT json_agg(principal.name)::text
        FROM membership JOIN principal ON principal.key = membership.member
        WHERE membership.group_key = o.key
    ) END,
    (
        SELECT json_agg(
            json_build_array(child.kind, child.parent_uri, child.last_modified, (
                SELECT json_agg(field ORDER BY field)
                FROM field_index WHERE field_index.list = child.key
            ))
            ORDER BY child.kind
        )::text
        FROM list AS child WHERE child.parent = o.key
    )
FROM object AS o JOIN list AS l ON l.key = o.list
/* which */
ORDER BY o.key

-- name: count_stored
-- How many objects and tombstones there are.
SELECT count(*) FROM object

-- name: find_bucket
-- A live bucket.
-- Columns: key
SELECT object.key
FROM list JOIN object ON object.list = list.key
    AND kinto_short(object.id) = kinto_short(%(id)s) AND object.id = %(id)s
WHERE kinto_short(list.parent_uri) = '' AND list.kind = 'bucket' AND NOT object.deleted

-- name: find_servers
-- The connections of servers that use this schema, as far as this role may see them. What the
-- transaction knew of them before is forgotten.
SELECT count(*)
FROM (SELECT pg_stat_clear_snapshot()) AS cleared, pg_stat_activity
WHERE datname = current_database()
  AND application_name = left(%(signature)s::text || current_schema(), 63)

-- name: lock_tables
-- Keep everybody else out.
LOCK TABLE
    list, object, permission, membership, principal, secret, nonce, field_index, field_value,
    kind, permission_name, inheritance, permission_entry
IN ACCESS EXCLUSIVE MODE

-- name: has_objects
-- Whether there is an object or a tombstone.
SELECT EXISTS (SELECT FROM object)

-- name: empty_tables
-- Take away what a database without objects may have.
TRUNCATE list, permission, membership, principal, secret, nonce, field_index, field_value

-- name: list_secondary_indexes
-- Indexes that can be left out while much is written: those that no other query of a move needs.
-- Columns: name, the statement that makes it
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index
WHERE NOT indisprimary
  AND indrelid IN (
      'object'::regclass, 'permission'::regclass, 'membership'::regclass, 'field_value'::regclass
  )
ORDER BY 1

-- name: find_free_places
-- The greatest key of an object and of a list, whether they are still there or not.
SELECT
    greatest(
        (SELECT coalesce(max(key), 0) FROM object),
        coalesce(pg_sequence_last_value(pg_get_serial_sequence('object', 'key')::regclass), 0)
    ),
    greatest(
        (SELECT coalesce(max(key), 0) FROM list),
        coalesce(pg_sequence_last_value(pg_get_serial_sequence('list', 'key')::regclass), 0)
    )

-- name: move_sequences
-- Let new keys come after those that were written.
SELECT
    setval(pg_get_serial_sequence('object', 'key'), greatest(
        (SELECT coalesce(max(key), 0) FROM object),
        coalesce(pg_sequence_last_value(pg_get_serial_sequence('object', 'key')::regclass), 1)
    )),
    setval(pg_get_serial_sequence('list', 'key'), greatest(
        (SELECT coalesce(max(key), 0) FROM list),
        coalesce(pg_sequence_last_value(pg_get_serial_sequence('list', 'key')::regclass), 1)
    ))

-- name: find_newest
-- The timestamp of the list of buckets.
SELECT coalesce(max(last_modified), 0) FROM list
WHERE kinto_short(parent_uri) = '' AND kind = 'bucket'

-- name: find_moved_list
-- The list of one kind below an object.
-- Columns: key, the object
SELECT key, parent FROM list
WHERE kinto_short(parent_uri) = kinto_short(%(parent_uri)s) AND kind = %(kind)s
  AND parent_uri = %(parent_uri)s

-- name: find_moved_parent
-- A live object by its place.
-- Columns: key, its own parent
SELECT object.key, list.parent
FROM list JOIN object ON object.list = list.key AND NOT object.deleted
    AND kinto_short(object.id) = kinto_short(%(id)s) AND object.id = %(id)s
WHERE kinto_short(list.parent_uri) = kinto_short(%(parent_uri)s) AND list.kind = %(kind)s
  AND list.parent_uri = %(parent_uri)s

-- name: fill_secret
-- Store a secret in place of one that was made meanwhile.
INSERT INTO secret (name, value) VALUES (%(name)s, %(value)s)
ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: fill_root_list
-- Store a list that hangs below nothing. It may be there already.
-- Columns: key
INSERT INTO list (key, kind, parent_uri, last_modified, is_indexed)
OVERRIDING SYSTEM VALUE
VALUES (%(key)s, %(kind)s, '', %(last_modified)s, %(is_indexed)s)
ON CONFLICT (kinto_short(parent_uri), kind) DO UPDATE
SET last_modified = greatest(list.last_modified, excluded.last_modified)
RETURNING key

-- name: fill_lists
-- Store lists.
COPY list (key, kind, parent_uri, parent, grandparent, last_modified, is_indexed) FROM STDIN

-- name: fill_indexes
-- Begin indexes.
COPY field_index (list, field, built_to) FROM STDIN

-- name: fill_objects
-- Store objects under their keys.
COPY object (key, list, id, last_modified, deleted, data, fields) FROM STDIN

-- name: fill_permissions
-- Store permissions.
COPY permission (object, principal, name, list) FROM STDIN

-- name: fill_members
-- Store members of groups.
COPY membership (member, group_key, group_principal) FROM STDIN

-- name: number_principals
-- The numbers of principals.
-- Columns: name, key
SELECT principal.name, principal.key
FROM unnest(%(names)s::text[]) AS wanted (name)
JOIN principal ON kinto_short(principal.name) = kinto_short(wanted.name)
    AND principal.name = wanted.name

-- name: find_permission_name
-- The number of a permission name.
SELECT key FROM permission_name WHERE kind = %(kind)s AND name = %(name)s

-- name: clear_tombstone
-- Make room where an object was deleted.
DELETE FROM object
WHERE list = %(list)s AND kinto_short(id) = kinto_short(%(id)s) AND id = %(id)s AND deleted

-- name: raise_timestamp
-- A list is never older than what is in it.
UPDATE list SET last_modified = %(last_modified)s
WHERE key = %(list)s AND last_modified < %(last_modified)s

-- name: count_lists_anew
-- Count the live objects of the lists that were filled.
UPDATE list SET live_count = (
    SELECT count(*) FROM object WHERE object.list = list.key AND NOT object.deleted
)
WHERE key >= %(first)s OR parent IS NULL

-- name: forget_kinds
-- Have the next start look for lists that are missing.
DELETE FROM kind

-- name: analyze
-- Let PostgreSQL know what the tables have become.
ANALYZE list, object, permission, membership, principal, field_index, field_value
