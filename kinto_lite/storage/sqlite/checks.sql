-- name: find_wrong_counters
-- Lists count their objects wrongly.
-- Columns: which
SELECT list.parent_uri || '/' || list.kind || 's: ' || list.live_count || ' instead of ' || (
    SELECT count(*) FROM object WHERE object.list = list.key AND object.deleted = 0
)
FROM list
WHERE list.live_count <> (
    SELECT count(*) FROM object WHERE object.list = list.key AND object.deleted = 0
)

-- name: repair_wrong_counters
-- Count anew.
UPDATE list SET live_count = (
    SELECT count(*) FROM object WHERE object.list = list.key AND object.deleted = 0
)

-- name: find_late_lists
-- Lists are older than an object in them.
-- Columns: which
SELECT list.parent_uri || '/' || list.kind || 's'
FROM list
WHERE list.last_modified < (
    SELECT max(newest) FROM (
        SELECT max(last_modified) AS newest FROM object
        WHERE object.list = list.key AND object.deleted = 0
        UNION ALL
        SELECT max(last_modified) FROM object
        WHERE object.list = list.key AND object.deleted = 1
    )
)

-- name: repair_late_lists
-- Take the time of the newest object.
UPDATE list SET last_modified = max(last_modified, coalesce(
    (SELECT max(last_modified) FROM object WHERE object.list = list.key AND object.deleted = 0), 0
), coalesce(
    (SELECT max(last_modified) FROM object WHERE object.list = list.key AND object.deleted = 1), 0
))

-- name: find_lost_lists
-- Lists hang below something that is deleted, or is somewhere else.
-- Columns: which
SELECT list.parent_uri || '/' || list.kind || 's'
FROM list
LEFT JOIN object ON object.key = list.parent
LEFT JOIN list AS above ON above.key = object.list
WHERE (list.parent IS NULL AND list.parent_uri <> '')
   OR (list.parent IS NOT NULL AND (
        object.deleted IS NOT 0
        OR list.parent_uri IS NOT above.parent_uri || '/' || above.kind || 's/' || object.id
        OR list.grandparent IS NOT above.parent
   ))

-- name: find_bad_data
-- Objects hold what is no JSON object.
-- Columns: which
SELECT list.parent_uri || '/' || list.kind || 's/' || object.id
FROM object JOIN list ON list.key = object.list
WHERE NOT json_valid(object.data)
   OR json_type(object.data) <> 'object'
   OR (object.deleted = 1 AND object.data <> '{"deleted":true}')

-- name: find_lost_permissions
-- Permissions belong to a deleted object, another list or another kind.
-- Columns: which
SELECT list.parent_uri || '/' || list.kind || 's/' || object.id || ' ' || permission_name.name
FROM permission
JOIN object ON object.key = permission.object
JOIN list ON list.key = object.list
JOIN permission_name ON permission_name.key = permission.name
WHERE object.deleted <> 0
   OR permission.list <> object.list
   OR permission_name.kind <> list.kind

-- name: find_lost_members
-- Members are in what is no group, or under another name.
-- Columns: which
SELECT member.name
FROM membership
JOIN object ON object.key = membership.group_key
JOIN list ON list.key = object.list
JOIN principal AS member ON member.key = membership.member
JOIN principal AS own ON own.key = membership.group_principal
WHERE object.deleted <> 0
   OR list.kind <> 'group'
   OR own.name <> list.parent_uri || '/groups/' || object.id

-- name: find_lost_entries
-- Entries of field indexes belong to no live object of their list.
-- Columns: which
SELECT field_index.field || ' of ' || object.id
FROM field_value
JOIN field_index ON field_index.key = field_value.field
JOIN object ON object.key = field_value.object
WHERE object.deleted <> 0
   OR object.list <> field_index.list
   OR object.last_modified <> field_value.last_modified

-- name: find_missing_entries
-- Objects are not in an index of their list.
-- Columns: which
SELECT list.parent_uri || '/' || list.kind || 's/' || object.id || ' by ' || field_index.field
FROM field_index
JOIN list ON list.key = field_index.list
JOIN object ON object.list = list.key AND object.deleted = 0
WHERE field_index.built_to IS NULL
  AND NOT EXISTS (
      SELECT 1 FROM field_value
      WHERE field_value.object = object.key AND field_value.field = field_index.key
  )
