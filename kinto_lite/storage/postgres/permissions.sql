-- name: find_principals
-- The principals of an asker: the names given, and the groups they are in.
-- Columns: key, name
WITH direct (key, name) AS (
    SELECT principal.key, principal.name
    FROM unnest(%(names)s::text[]) AS wanted (name)
    JOIN principal ON kinto_short(principal.name) = kinto_short(wanted.name)
        AND principal.name = wanted.name
)
SELECT key, name FROM direct
UNION
SELECT principal.key, principal.name
FROM direct
JOIN membership ON membership.member = direct.key
JOIN principal ON principal.key = membership.group_principal

-- name: insert_principals
-- Give principals numbers, in an order that all writers keep. Those that have one are not
-- touched.
INSERT INTO principal (name)
SELECT DISTINCT wanted.name COLLATE "C" AS name
FROM unnest(%(names)s::text[]) AS wanted (name)
WHERE NOT EXISTS (
    SELECT 1 FROM principal
    WHERE kinto_short(principal.name) = kinto_short(wanted.name)
      AND principal.name = wanted.name
)
ORDER BY name
ON CONFLICT DO NOTHING

-- name: insert_permissions
-- Store one permission for some principals.
INSERT INTO permission (object, principal, name, list)
SELECT %(object)s, principal.key, %(name)s, %(list)s
FROM unnest(%(names)s::text[]) AS wanted (name)
JOIN principal ON kinto_short(principal.name) = kinto_short(wanted.name)
    AND principal.name = wanted.name
ON CONFLICT DO NOTHING

-- name: delete_permission_list
-- Forget who has one permission on an object.
DELETE FROM permission WHERE object = %(object)s AND name = %(name)s

-- name: delete_permissions
-- Forget all permissions on an object.
DELETE FROM permission WHERE object = %(key)s

-- name: read_permissions
-- The stored permissions of an object.
-- Columns: permission name, principal
SELECT permission.name, principal.name
FROM permission JOIN principal ON principal.key = permission.principal
WHERE permission.object = %(object)s
ORDER BY permission.principal, permission.name

-- name: read_shown_permissions
-- The stored permissions of an object, if the asker may see them.
-- Columns: permission name, principal
SELECT permission.name, principal.name
FROM permission JOIN principal ON principal.key = permission.principal
WHERE permission.object = %(object)s AND EXISTS (
    SELECT 1
    FROM permission_reader AS reader
    WHERE reader.principal = ANY(%(asker)s::bigint[]) AND reader.object = %(object)s
)
ORDER BY permission.principal, permission.name

-- name: copy_readers
-- Let everybody read an object that is about another one who may read that, now, because of what
-- is stored on it, on its parent, or on the parent of the new object.
INSERT INTO permission (object, principal, name, list)
SELECT DISTINCT %(object)s::bigint, authority.principal, %(read)s::integer, %(list)s::bigint
FROM authority
WHERE authority.need = %(read)s AND authority.object = ANY(ARRAY[
    %(about)s,
    (
        SELECT list.parent FROM object JOIN list ON list.key = object.list
        WHERE object.key = %(about)s
    ),
    (SELECT list.parent FROM list WHERE list.key = %(list)s)
])

-- name: delete_members
-- Forget the members of a group.
DELETE FROM membership WHERE group_key = %(key)s

-- name: insert_members
-- Make principals members of a group.
INSERT INTO membership (member, group_key, group_principal)
SELECT member.key, %(key)s, self.key
FROM unnest(%(names)s::text[]) AS wanted (name)
JOIN principal AS member ON kinto_short(member.name) = kinto_short(wanted.name)
    AND member.name = wanted.name
JOIN principal AS self ON kinto_short(self.name) = kinto_short(%(uri)s) AND self.name = %(uri)s
ON CONFLICT DO NOTHING

-- name: list_permission_names
-- All permission names and needs.
-- Columns: key, kind, name
SELECT key, kind, name FROM permission_name

-- name: insert_permission_name
-- Give a permission name or a need a number.
INSERT INTO permission_name (kind, name) VALUES (%(kind)s, %(name)s) ON CONFLICT DO NOTHING

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
WHERE grant_.kind = %(granting_kind)s AND grant_.name = %(permission)s
  AND need.kind = %(kind)s AND need.name = %(need)s

-- name: list_kinds
-- The kinds that lists exist for.
-- Columns: name, whether its objects are derived from others
SELECT name, is_derived FROM kind

-- name: insert_kind
-- Remember that lists exist for a kind.
INSERT INTO kind (name, is_derived) VALUES (%(name)s, %(is_derived)s) ON CONFLICT DO NOTHING

-- name: delete_derived_objects
-- Forget the objects of derived kinds that nobody keeps in step any more.
DELETE FROM object WHERE list IN (
    SELECT list.key
    FROM kind JOIN list ON list.kind = kind.name
    WHERE kind.is_derived AND NOT kind.name = ANY(%(used)s::text[])
)

-- name: reset_derived_lists
-- Their lists are empty then.
UPDATE list SET live_count = 0
WHERE kind IN (SELECT name FROM kind WHERE is_derived AND NOT name = ANY(%(used)s::text[]))

-- name: delete_derived_kinds
-- Once such a kind is used again, it is as new.
DELETE FROM kind WHERE is_derived AND NOT name = ANY(%(used)s::text[])

-- name: list_permissions
-- What an asker has stored permissions on, or is granted by settings on all objects of a kind;
-- with the permissions these imply on the same object. `grants` are keys of permission names
-- that settings grant everywhere; `root` is a JSON array of what they grant at the root, or
-- null.
-- Columns: key, id, last_modified, data, deleted
WITH met (object, need) AS (
    SELECT authority.object, authority.need
    FROM authority
    WHERE authority.principal = ANY(%(asker)s::bigint[])
      AND authority.need IN (SELECT need FROM permission_entry)
    UNION
    SELECT object.key, inheritance.need
    FROM unnest(%(grants)s::bigint[]) AS granted (key)
    JOIN permission_name ON permission_name.key = granted.key
    JOIN inheritance ON inheritance.granted_by = permission_name.key
    JOIN list ON list.kind = permission_name.kind
    JOIN object ON object.list = list.key AND NOT object.deleted
),
shown (object, names) AS (
    SELECT met.object, jsonb_agg(DISTINCT entry.name)
    FROM met
    JOIN object ON object.key = met.object
    JOIN list ON list.key = object.list
    JOIN permission_entry AS entry ON entry.need = met.need AND entry.kind = list.kind
    GROUP BY met.object
),
entries (key, id, last_modified, fields, deleted) AS (
    SELECT
        object.key,
        object.id,
        0::bigint,
        jsonb_strip_nulls(jsonb_build_object(
            'uri', list.parent_uri || '/' || list.kind || 's/' || object.id,
            'resource_name', list.kind,
            'permissions', shown.names,
            'id', object.id,
            'bucket_id', coalesce(above.id, parent.id),
            'collection_id', CASE WHEN above.id IS NOT NULL THEN parent.id END
        )) || jsonb_build_object(list.kind || '_id', object.id),
        false
    FROM shown
    JOIN object ON object.key = shown.object
    JOIN list ON list.key = object.list
    LEFT JOIN object AS parent ON parent.key = list.parent
    LEFT JOIN object AS above ON above.key = list.grandparent
    UNION ALL
    SELECT
        0, NULL, 0,
        jsonb_build_object(
            'uri', '/', 'resource_name', 'root', 'permissions', %(root)s::text::jsonb
        ),
        false
    WHERE %(root)s::text IS NOT NULL
)
SELECT o.key, o.id, o.last_modified, o.fields::text, o.deleted
FROM entries AS o
WHERE TRUE /* filters */ /* after */
ORDER BY /* sort */
LIMIT %(limit)s

-- name: delete_permission_entries
-- Forget how needs are shown, to write it anew.
DELETE FROM permission_entry

-- name: insert_permission_entry
-- Store how one need is shown on objects of a kind.
INSERT INTO permission_entry (kind, need, name)
SELECT %(kind)s, permission_name.key, %(name)s FROM permission_name
WHERE permission_name.kind = %(need_kind)s AND permission_name.name = %(need)s

-- name: lock_owned_lists
-- Wait for the lists that hold objects of a kind that a principal may write, in the order that
-- all writers keep.
SELECT list.key
FROM list
WHERE list.kind = %(kind)s AND list.key IN (
    SELECT permission.list
    FROM principal JOIN permission ON permission.principal = principal.key
    WHERE kinto_short(principal.name) = kinto_short(%(principal)s)
      AND principal.name = %(principal)s
)
ORDER BY list.parent_uri
FOR NO KEY UPDATE

-- name: list_owned_alone
-- The objects of a kind that a principal is the only writer of.
-- Columns: list, parent_uri, list timestamp, key, id, last_modified, data
SELECT
    list.key, list.parent_uri, list.last_modified,
    object.key, object.id, object.last_modified, object.data
FROM principal
JOIN permission ON permission.principal = principal.key
JOIN permission_name ON permission_name.key = permission.name
    AND permission_name.kind = %(kind)s AND permission_name.name = 'write'
JOIN object ON object.key = permission.object
JOIN list ON list.key = object.list
WHERE kinto_short(principal.name) = kinto_short(%(principal)s)
  AND principal.name = %(principal)s
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
WHERE principal = (
    SELECT key FROM principal
    WHERE kinto_short(name) = kinto_short(%(principal)s) AND name = %(principal)s
)

-- name: delete_memberships_of_principal
-- Take a principal out of all groups.
DELETE FROM membership
WHERE member = (
    SELECT key FROM principal
    WHERE kinto_short(name) = kinto_short(%(principal)s) AND name = %(principal)s
)
