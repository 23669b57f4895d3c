-- name: find_principals
-- The principals of an asker: the names given, and the groups they are in.
-- Columns: key, name
WITH direct (key, name) AS (
    SELECT key, name FROM principal WHERE name IN (SELECT value FROM json_each(:names))
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
SELECT name FROM kind

-- name: insert_kind
-- Remember that lists exist for a kind.
INSERT INTO kind (name) VALUES (:name) ON CONFLICT DO NOTHING
