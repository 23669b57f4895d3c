-- name: find_wrong_counters
-- Lists count their objects wrongly.
-- Columns: which
SELECT list.parent_uri || '/' || list.kind || 's: ' || list.live_count || ' instead of '
    || coalesce(counted.number, 0)
FROM list LEFT JOIN (
    SELECT object.list, count(*) AS number FROM object WHERE NOT object.deleted GROUP BY object.list
) AS counted ON counted.list = list.key
WHERE list.live_count <> coalesce(counted.number, 0)

-- name: repair_wrong_counters
-- Count anew.
UPDATE list SET live_count = (
    SELECT count(*) FROM object WHERE object.list = list.key AND NOT object.deleted
)
WHERE live_count <> (
    SELECT count(*) FROM object WHERE object.list = list.key AND NOT object.deleted
)

-- name: find_late_lists
-- Lists are older than an object in them.
-- Columns: which
SELECT list.parent_uri || '/' || list.kind || 's'
FROM list JOIN (
    SELECT object.list, max(object.last_modified) AS newest FROM object GROUP BY object.list
) AS found ON found.list = list.key
WHERE list.last_modified < found.newest

-- name: repair_late_lists
-- Take the time of the newest object.
UPDATE list SET last_modified = found.newest
FROM (
    SELECT object.list, max(object.last_modified) AS newest FROM object GROUP BY object.list
) AS found
WHERE found.list = list.key AND list.last_modified < found.newest

-- name: find_lost_lists
-- Lists hang below something that is deleted, is not there, or is somewhere else.
-- Columns: which
SELECT list.parent_uri || '/' || list.kind || 's'
FROM list
LEFT JOIN object ON object.key = list.parent
LEFT JOIN list AS above ON above.key = object.list
WHERE (list.parent IS NULL AND list.parent_uri <> '')
   OR (list.parent IS NOT NULL AND (
        object.deleted IS NOT FALSE
        OR list.parent_uri IS DISTINCT FROM
            above.parent_uri || '/' || above.kind || 's/' || object.id
        OR list.grandparent IS DISTINCT FROM above.parent
   ))

-- name: find_lost_objects
-- Objects are in a list that is not there.
-- Columns: which
SELECT object.id FROM object LEFT JOIN list ON list.key = object.list WHERE list.key IS NULL

-- name: find_lost_permissions
-- Permissions belong to an object that is deleted or not there, to another list or another kind,
-- or to a name or a principal without a number.
-- Columns: which
SELECT coalesce(list.parent_uri || '/' || list.kind || 's/' || object.id, permission.object::text)
    || ' ' || coalesce(permission_name.name, permission.name::text)
FROM permission
LEFT JOIN object ON object.key = permission.object
LEFT JOIN list ON list.key = object.list
LEFT JOIN permission_name ON permission_name.key = permission.name
LEFT JOIN principal ON principal.key = permission.principal
WHERE object.deleted IS NOT FALSE
   OR permission.list <> object.list
   OR permission_name.kind IS DISTINCT FROM list.kind
   OR principal.key IS NULL

-- name: find_lost_members
-- Members are in what is no group, or under another name, or have no name.
-- Columns: which
SELECT coalesce(member.name, membership.member::text)
FROM membership
LEFT JOIN object ON object.key = membership.group_key
LEFT JOIN list ON list.key = object.list
LEFT JOIN principal AS member ON member.key = membership.member
LEFT JOIN principal AS own ON own.key = membership.group_principal
WHERE object.deleted IS NOT FALSE
   OR list.kind IS DISTINCT FROM 'group'
   OR own.name IS DISTINCT FROM list.parent_uri || '/groups/' || object.id
   OR member.key IS NULL

-- name: find_lost_entries
-- Entries of field indexes belong to no live object of their list.
-- Columns: which
SELECT coalesce(field_index.field || ' of ' || object.id, field_value.object::text)
FROM field_value
LEFT JOIN field_index ON field_index.key = field_value.field
LEFT JOIN object ON object.key = field_value.object
WHERE object.deleted IS NOT FALSE
   OR object.list IS DISTINCT FROM field_index.list
   OR object.last_modified <> field_value.last_modified

-- name: find_missing_entries
-- Objects are not in an index of their list.
-- Columns: which
SELECT list.parent_uri || '/' || list.kind || 's/' || object.id || ' by ' || field_index.field
FROM field_index
JOIN list ON list.key = field_index.list
JOIN object ON object.list = list.key AND NOT object.deleted
WHERE field_index.built_to IS NULL
  AND NOT EXISTS (
      SELECT 1 FROM field_value
      WHERE field_value.object = object.key AND field_value.field = field_index.key
  )

-- name: list_data
-- The next objects and their data.
-- Columns: key, deleted, data
SELECT key, deleted, data FROM object WHERE key > %(after)s ORDER BY key LIMIT %(size)s

-- name: find_other_fields
-- Those of some objects whose fields are not what their data say.
-- Columns: key
SELECT object.key
FROM unnest(%(keys)s::bigint[], %(fields)s::text[]) AS wanted (key, fields)
JOIN object ON object.key = wanted.key
WHERE object.fields <> coalesce(wanted.fields, object.data)::jsonb

-- name: repair_fields
-- Make the fields of some objects anew.
UPDATE object SET fields = coalesce(wanted.fields, object.data)::jsonb
FROM unnest(%(keys)s::bigint[], %(fields)s::text[]) AS wanted (key, fields)
WHERE object.key = wanted.key AND object.fields <> coalesce(wanted.fields, object.data)::jsonb

-- name: name_object
-- Where an object is.
-- Columns: URI
SELECT list.parent_uri || '/' || list.kind || 's/' || object.id
FROM object JOIN list ON list.key = object.list WHERE object.key = %(key)s
