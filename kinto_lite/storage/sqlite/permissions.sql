-- name: find_principals
-- The principals of an asker: the names given, and the groups they are in.
-- Columns: key, name
WITH direct (key, name) AS (
    SELECT principal.key, principal.name
    FROM json_each(:names) AS wanted CROSS JOIN principal ON principal.name = wanted.value
)
SELECT key, name FROM direct
UNION
SELECT principal.key, principal.name
FROM direct
JOIN membership ON membership.member = direct.key
JOIN principal ON principal.key = membership.group_principal

-- name: insert_principal
-- Give a principal a number.
INSERT INTO principal (name) VALUES (:name) ON CONFLICT DO NOTHING

-- name: insert_permission
-- Store one permission.
INSERT INTO permission (object, principal, name, list)
SELECT :object, principal.key, :name, :list FROM principal WHERE principal.name = :principal
ON CONFLICT DO NOTHING

-- name: delete_permission_list
-- Forget who has one permission on an object.
DELETE FROM permission WHERE object = :object AND name = :name

-- name: delete_permissions
-- Forget all permissions on an object.
DELETE FROM permission WHERE object = :key

-- name: read_permissions
-- The stored permissions of an object.
-- Columns: permission name, principal
SELECT permission.name, principal.name
FROM permission JOIN principal ON principal.key = permission.principal
WHERE permission.object = :object

-- name: read_shown_permissions
-- The stored permissions of an object, if the asker may see them.
-- Columns: permission name, principal
SELECT permission.name, principal.name
FROM permission JOIN principal ON principal.key = permission.principal
WHERE permission.object = :object AND EXISTS (
    SELECT 1
    FROM json_each(:asker) AS asker
    CROSS JOIN permission_reader AS reader ON reader.principal = asker.value
    WHERE reader.object = :object
)

-- name: copy_readers
-- Let everybody read an object that is about another one who may read that, now, because of what
-- is stored on it, on its parent, or on the parent of the new object.
INSERT INTO permission (object, principal, name, list)
SELECT DISTINCT :object, authority.principal, :read, :list
FROM (
    SELECT :about AS object
    UNION ALL
    SELECT list.parent FROM object JOIN list ON list.key = object.list WHERE object.key = :about
    UNION ALL
    SELECT list.parent FROM list WHERE list.key = :list
) AS source
CROSS JOIN authority ON authority.object = source.object
WHERE authority.need = :read

-- name: delete_members
-- Forget the members of a group.
DELETE FROM membership WHERE group_key = :key

-- name: insert_member
-- Make a principal a member of a group.
INSERT INTO membership (member, group_key, group_principal)
SELECT member.key, :key, self.key
FROM principal AS member, principal AS self
WHERE member.name = :member AND self.name = :uri
ON CONFLICT DO NOTHING

-- name: list_permission_names
-- All permission names and needs.
-- Columns: key, kind, name
SELECT key, kind, name FROM permission_name

-- name: insert_permission_name
-- Give a permission name or a need a number.
INSERT INTO permission_name (kind, name) VALUES (:kind, :name) ON CONFLICT DO NOTHING

-- name: list_inheritance
-- The inheritance as it is stored.
-- Columns: kind, need, granting kind, permission
SELECT need.kind, need.name, grant_.kind, grant_.name
FROM inheritance
JOIN permission_name AS need ON need.key = inheritance.need
JOIN permission_name AS grant_ ON grant_.key = inheritance.granted_by

-- name: delete_inheritance
-- Forget the inheritance, to write it anew.
DELETE FROM inheritance

-- name: insert_inheritance
-- Store one row of the inheritance.
INSERT INTO inheritance (granted_by, need)
SELECT grant_.key, need.key FROM permission_name AS grant_, permission_name AS need
WHERE grant_.kind = :granting_kind AND grant_.name = :permission
  AND need.kind = :kind AND need.name = :need

-- name: list_kinds
-- The kinds that lists exist for.
-- Columns: name, whether its objects are derived from others
SELECT name, is_derived FROM kind

-- name: insert_kind
-- Remember that lists exist for a kind.
INSERT INTO kind (name, is_derived) VALUES (:name, :is_derived) ON CONFLICT DO NOTHING

-- name: delete_derived_objects
-- Forget the objects of derived kinds that nobody keeps in step any more.
DELETE FROM object WHERE list IN (
    SELECT list.key
    FROM kind JOIN list ON list.kind = kind.name
    WHERE kind.is_derived AND kind.name NOT IN (SELECT value FROM json_each(:used))
)

-- name: reset_derived_lists
-- Their lists are empty then.
UPDATE list SET live_count = 0
WHERE kind IN (
    SELECT name FROM kind
    WHERE is_derived AND name NOT IN (SELECT value FROM json_each(:used))
)

-- name: delete_derived_kinds
-- Once such a kind is used again, it is as new.
DELETE FROM kind WHERE is_derived AND name NOT IN (SELECT value FROM json_each(:used))

-- name: list_permissions
-- What an asker has stored permissions on, or is granted by settings on all objects of a kind;
-- with the permissions these imply on the same object. `:grants` are keys of permission names
-- that settings grant everywhere; `:root` is a JSON array of what they grant at the root, or
-- null.
-- Columns: key, id, last_modified, data, deleted
WITH met (object, need) AS (
    SELECT authority.object, authority.need
    FROM json_each(:asker) AS asker
    CROSS JOIN authority ON authority.principal = asker.value
    WHERE authority.need IN (SELECT need FROM permission_entry)
    UNION
    SELECT object.key, inheritance.need
    FROM json_each(:grants) AS granted
    JOIN permission_name ON permission_name.key = granted.value
    JOIN inheritance ON inheritance.granted_by = permission_name.key
    JOIN list ON list.kind = permission_name.kind
    JOIN object ON object.list = list.key AND object.deleted = 0
),
shown (object, names) AS (
    SELECT met.object, json_group_array(DISTINCT entry.name)
    FROM met
    JOIN object ON object.key = met.object
    JOIN list ON list.key = object.list
    JOIN permission_entry AS entry ON entry.need = met.need AND entry.kind = list.kind
    GROUP BY met.object
),
entries (key, id, last_modified, data, deleted) AS (
    SELECT
        object.key,
        object.id,
        0,
        -- A merge patch leaves out what is null.
        json_set(json_patch('{}', json_object(
            'uri', list.parent_uri || '/' || list.kind || 's/' || object.id,
            'resource_name', list.kind,
            'permissions', json(shown.names),
            'id', object.id,
            'bucket_id', coalesce(above.id, parent.id),
            'collection_id', CASE WHEN above.id IS NOT NULL THEN parent.id END
        )), '$.' || list.kind || '_id', object.id),
        0
    FROM shown
    JOIN object ON object.key = shown.object
    JOIN list ON list.key = object.list
    LEFT JOIN object AS parent ON parent.key = list.parent
    LEFT JOIN object AS above ON above.key = list.grandparent
    UNION ALL
    SELECT 0, NULL, 0, json_object('uri', '/', 'resource_name', 'root', 'permissions', json(:root)), 0
    WHERE :root IS NOT NULL
)
SELECT o.key, o.id, o.last_modified, o.data, o.deleted
FROM entries AS o
WHERE TRUE /* filters */ /* after */
ORDER BY /* sort */
LIMIT :limit

-- name: delete_permission_entries
-- Forget how needs are shown, to write it anew.
DELETE FROM permission_entry

-- name: insert_permission_entry
-- Store how one need is shown on objects of a kind.
INSERT INTO permission_entry (kind, need, name)
SELECT :kind, permission_name.key, :name FROM permission_name
WHERE permission_name.kind = :need_kind AND permission_name.name = :need

-- name: list_owned_alone
-- The objects of a kind that a principal is the only writer of.
-- Columns: list, parent_uri, list timestamp, key, id, last_modified, data
SELECT
    list.key, list.parent_uri, list.last_modified,
    object.key, object.id, object.last_modified, object.data
FROM principal
JOIN permission ON permission.principal = principal.key
JOIN permission_name ON permission_name.key = permission.name
    AND permission_name.kind = :kind AND permission_name.name = 'write'
JOIN object ON object.key = permission.object
JOIN list ON list.key = object.list
WHERE principal.name = :principal
  AND NOT EXISTS (
      SELECT 1 FROM permission AS other
      WHERE other.object = permission.object
        AND other.name = permission.name
        AND other.principal <> permission.principal
  )
ORDER BY list.key, object.key

-- name: delete_permissions_of_principal
-- Take everything away that a principal was given.
DELETE FROM permission
WHERE principal = (SELECT key FROM principal WHERE name = :principal)

-- name: delete_memberships_of_principal
-- Take a principal out of all groups.
DELETE FROM membership
WHERE member = (SELECT key FROM principal WHERE name = :principal)
