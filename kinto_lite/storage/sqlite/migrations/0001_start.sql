-- Every name of a permission, and every need, as a number: (kind, name).
CREATE TABLE permission_name (
    key INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (kind, name)
) STRICT;

-- Who inherits what: a stored permission `granted_by` meets the need `need`. Written at start
-- from permissions/tree.py.
CREATE TABLE inheritance (
    granted_by INTEGER NOT NULL REFERENCES permission_name (key),
    need INTEGER NOT NULL REFERENCES permission_name (key),
    PRIMARY KEY (granted_by, need)
) STRICT, WITHOUT ROWID;

-- How the needs that somebody has on an object of a kind are shown in the list of permissions.
-- Written at start from permissions/tree.py.
CREATE TABLE permission_entry (
    kind TEXT NOT NULL,
    need INTEGER NOT NULL REFERENCES permission_name (key),
    name TEXT NOT NULL,
    PRIMARY KEY (need, kind, name)
) STRICT, WITHOUT ROWID;

-- The kinds this file has lists for. The objects of a derived kind are computed from others.
CREATE TABLE kind (
    name TEXT PRIMARY KEY,
    is_derived INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Secrets and other small texts of the server itself.
CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Page tokens of plural DELETE that were issued and not used yet; `expires` is in milliseconds.
CREATE TABLE nonce (
    value TEXT PRIMARY KEY,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE principal (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- A plural endpoint: all objects of one kind below one parent. `last_modified` is 0 until the
-- list is first used; `live_count` is exact, kept by the same transaction as the change;
-- `is_indexed` says that there are rows in field_index.
CREATE TABLE list (
    key INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    parent_uri TEXT NOT NULL,
    parent INTEGER REFERENCES object (key) ON DELETE CASCADE,
    grandparent INTEGER,
    last_modified INTEGER NOT NULL DEFAULT 0,
    live_count INTEGER NOT NULL DEFAULT 0 CHECK (live_count >= 0),
    is_indexed INTEGER NOT NULL DEFAULT 0,
    UNIQUE (parent_uri, kind)
) STRICT;
CREATE INDEX list_by_parent ON list (parent);

-- Objects and tombstones. `data` is compact JSON without id and last_modified. `id_key` stands for
-- the id in the index: UUIDs as they are usually written take less than half the space as bytes.
-- It says the same as `ids.pack_id`.
CREATE TABLE object (
    key INTEGER PRIMARY KEY,
    list INTEGER NOT NULL REFERENCES list (key) ON DELETE CASCADE,
    id TEXT NOT NULL,
    last_modified INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    data TEXT NOT NULL,
    id_key ANY NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN id GLOB '????????-????-????-????-????????????'
                AND id = lower(id)
                AND length(unhex(id, '-')) = 16
            THEN unhex(id, '-')
            ELSE id
        END
    ) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX object_by_id ON object (list, id_key);
CREATE INDEX object_by_time ON object (list, deleted, last_modified);

-- Indexes on fields of the objects of a list. `built_to` is the last object that was put in,
-- null when all are.
CREATE TABLE field_index (
    key INTEGER PRIMARY KEY,
    list INTEGER NOT NULL REFERENCES list (key) ON DELETE CASCADE,
    field TEXT NOT NULL,
    built_to INTEGER,
    UNIQUE (list, field)
) STRICT;

-- The entries of these indexes, for live objects.
CREATE TABLE field_value (
    field INTEGER NOT NULL REFERENCES field_index (key) ON DELETE CASCADE,
    rank INTEGER NOT NULL,
    value ANY NOT NULL,
    last_modified INTEGER NOT NULL,
    object INTEGER NOT NULL REFERENCES object (key) ON DELETE CASCADE,
    PRIMARY KEY (field, rank, value, last_modified, object)
) STRICT, WITHOUT ROWID;
CREATE INDEX field_value_by_object ON field_value (object);

-- Stored permissions, found from both ends: by object, and by principal and list.
CREATE TABLE permission (
    object INTEGER NOT NULL REFERENCES object (key) ON DELETE CASCADE,
    principal INTEGER NOT NULL REFERENCES principal (key),
    name INTEGER NOT NULL REFERENCES permission_name (key),
    list INTEGER NOT NULL,
    PRIMARY KEY (object, principal, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX permission_by_principal ON permission (principal, list);

-- Who is in which group. `group_principal` is the group's URI as a principal.
CREATE TABLE membership (
    member INTEGER NOT NULL REFERENCES principal (key),
    group_key INTEGER NOT NULL REFERENCES object (key) ON DELETE CASCADE,
    group_principal INTEGER NOT NULL REFERENCES principal (key),
    PRIMARY KEY (member, group_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_by_group ON membership (group_key);

-- Who is shown the permissions of an object: those who are on its own `write` list.
CREATE VIEW permission_reader AS
SELECT permission.object AS object, permission.principal AS principal
FROM permission
JOIN permission_name ON permission_name.key = permission.name
WHERE permission_name.name = 'write';

-- The one rule of authorisation: this principal has this need on this object (or, for the
-- objects below it, through this object), because of that stored permission.
CREATE VIEW authority AS
SELECT
    permission.object AS object,
    permission.list AS list,
    permission.principal AS principal,
    inheritance.need AS need,
    permission.name AS granted_by
FROM permission
JOIN inheritance ON inheritance.granted_by = permission.name;
