"""Does a known difference explain this exchange? One function for each row of the table.

What is about lists is in `list_explanations`.

Each accepts no more than what its line in `docs/differences.md` says.

Source: protocol, core, the lines marked "Accident" and "Ours"; plugins, chapter 18.
"""

from __future__ import annotations

import re
from typing import Any

from compare.asked import Asked, walk

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


# --- headers (core, chapters 1.8 and 4.3) ------------------------------------------------------


def is_media_type(asked: Asked) -> bool:
    """The reference compares the headers too literally."""
    sent = asked.content_type
    is_odd = sent != sent.lower() or (";" in sent and "patch" in sent)
    accepts = asked.headers.get("accept", "")
    if accepts == "application/json; charset=utf-8" and asked.status[0] == 406:
        return True
    return is_odd and asked.method in ("POST", "PUT", "PATCH", "GET", "DELETE")


def is_odd_precondition(asked: Asked) -> bool:
    """Texts after a star are a 500 there, and "0" is taken for no header at all."""
    values = [asked.headers.get(name, "") for name in ("if-match", "if-none-match")]
    return any(re.fullmatch(r'\*.+|"0+"', value) for value in values)


def is_permissions_precondition(asked: Asked) -> bool:
    """The reference answers 500."""
    return asked.path == "/v1/permissions" and asked.failed and "if-match" in asked.headers


def is_hidden_existing(asked: Asked) -> bool:
    """The reference shows the object to whoever may create it."""
    if asked.status != (412, 412) or asked.headers.get("if-none-match") != "*":
        return False
    return asked.method == "PUT" and all(where.startswith("body.details") for where in asked.where)


# --- bodies and patches (core, chapters 2 and 3) -----------------------------------------------


def is_hidden_permissions(asked: Asked) -> bool:
    """The reference takes them for permissions, unchecked."""
    return any(isinstance(value, dict) and "__permissions__" in value for value in walk(asked.body))


def is_impossible_time(asked: Asked) -> bool:
    """The reference stores booleans, negative and enormous values, and the list breaks."""
    value = asked.data.get("last_modified")
    if isinstance(value, bool):
        return True
    return isinstance(value, int) and not 0 <= value <= 253402300799999


def is_deletion_time(asked: Asked) -> bool:
    """The reference answers 500 to what is no number, or 404 first, and takes 0 as newer."""
    values = [value for name, value in asked.query if name == "last_modified"]
    is_refused = asked.status[0] >= 400 and not all(value.isdigit() for value in values)
    is_odd = values == ["0"] or any(len(value) > 14 for value in values)
    return asked.method == "DELETE" and bool(values) and (is_refused or is_odd)


def is_merge_over_scalar(asked: Asked) -> bool:
    """The reference answers 500, or keeps what there was when the object is empty."""
    is_deep = any(isinstance(value, dict) for value in asked.data.values())
    is_kept = all(where.startswith("body.data") for where in asked.where)
    return asked.content_type == MERGE and is_deep and (asked.failed or is_kept)


def get_operations(asked: Asked) -> list[Any]:
    """Return the operations of a JSON patch."""
    is_patch = asked.method == "PATCH" and asked.content_type == JSON_PATCH
    return list(asked.body) if is_patch and isinstance(asked.body, list) else []


def is_patch_of_root(asked: Asked) -> bool:
    """The reference answers 500."""
    roots = ("/data", "/permissions")
    paths = [one.get(name) for one in get_operations(asked) for name in ("path", "from")]
    return asked.failed and any(path in roots for path in paths)


def is_patch_of_permissions(asked: Asked) -> bool:
    """The reference knows read and write, forgets removals, and stores any name."""
    paths = [str(one.get(name)) for one in get_operations(asked) for name in ("path", "from")]
    if any(path.startswith("/permissions") for path in paths):
        return True
    # It also makes the asker the only writer, when she was none on the object itself.
    is_json_patch = asked.method == "PATCH" and asked.content_type == JSON_PATCH
    return is_json_patch and all(where.startswith("body.permissions") for where in asked.where)


def is_light_removal(asked: Asked) -> bool:
    """The reference answers 500 when a member has gone, and for groups."""
    is_short = asked.headers.get("response-behavior") in ("light", "diff")
    return asked.method == "PATCH" and asked.failed and is_short


def is_escape(asked: Asked) -> bool:
    """The reference writes `\\u00e9` in errors, `\\u00E9` elsewhere."""
    return asked.where == ("body escapes",) and asked.status[0] >= 400


def is_newline(asked: Asked) -> bool:
    """The reference lets one newline through."""
    return "%0A" in asked.path


# --- places (core, chapters 1.5, 6.3, 8.5 and 12.4) --------------------------------------------


def is_version(asked: Asked) -> bool:
    """The reference answers 500."""
    return asked.path == "/v1/__version__" and asked.status == (500, 404)


def is_version_prefix(asked: Asked) -> bool:
    """The reference looks whether the text begins with /v1."""
    return re.match(r"/v1[^/]", asked.path) is not None and asked.status[1] == 404


def is_disabled_method(asked: Asked) -> bool:
    """The reference has no CORS headers on refusals of methods that are switched off."""
    is_off = any(name.endswith("_enabled") for name in asked.settings)
    is_refused = asked.status[0] in (400, 404, 405)
    return is_off and is_refused and asked.where == ("header access-control-expose-headers",)


def is_user_data_post(asked: Asked) -> bool:
    """The reference looks at the body before the method."""
    return asked.path == "/v1/__user_data__" and asked.status == (400, 405)


def is_orphan(asked: Asked) -> bool:
    """With a grant of the settings, the reference creates objects below a missing bucket."""
    is_granted = any(
        name.endswith(("_create_principals", "_write_principals")) for name in asked.settings
    )
    is_missing = asked.status in ((201, 404), (412, 404))
    return is_granted and is_missing and asked.method in ("PUT", "POST")


def is_old_group(asked: Asked) -> bool:
    """The reference leaves group principals with the members, and with them what settings
    grant to a group."""
    names_group = any("/groups/" in str(value) for value in asked.settings.values())
    if names_group and asked.status[1] in (401, 403) and asked.status[0] not in (401, 403):
        return True
    is_hello = asked.path == "/v1/" and asked.where == ("body.user.principals[]",)
    return is_hello and len(asked.json[0]["user"]["principals"]) > len(
        asked.json[1]["user"]["principals"]
    )


def is_schema_keyword(asked: Asked) -> bool:
    """The reference names the last word of the keyword's value, or fails."""
    if asked.method not in ("PUT", "PATCH", "POST"):
        return False
    names = all(re.search(r"\.(name|message)$", where) for where in asked.where)
    return asked.status == (500, 400) or (
        asked.status == (400, 400) and names and not is_property(asked)
    )


def is_old_dialect(asked: Asked) -> bool:
    """The reference answers 500 to writes below a schema that only Draft 7 understands."""
    is_on = asked.settings.get("experimental_collection_schema_validation") == "true"
    is_write = asked.method in ("PUT", "PATCH", "POST") and asked.status[0] == 500
    return is_on and is_write and asked.status[1] in (200, 201)


def is_property(asked: Asked) -> bool:
    """Tell whether our error is about a property, so that the name should be its own."""
    name = str(asked.json[1]["details"][0]["name"])
    return name in asked.data


# --- batches (core, chapter 9) -----------------------------------------------------------------


def is_batch_path(asked: Asked) -> bool:
    """The reference looks for the text anywhere in a path."""
    if asked.path != "/v1/batch" or asked.status != (400, 200):
        return False
    return "Recursive call" in str(asked.json[0])


def is_batch_array(asked: Asked) -> bool:
    """The reference answers 500."""
    return asked.path == "/v1/batch" and asked.status == (500, 400) and isinstance(asked.body, list)


def is_batch_default(asked: Asked) -> bool:
    """The reference answers 500 when a scalar stands where the default has an object."""
    if asked.path != "/v1/batch" or not asked.failed:
        return False
    defaults = asked.body.get("defaults")
    return isinstance(defaults, dict) and any(isinstance(one, dict) for one in defaults.values())


def is_batch_304(asked: Asked) -> bool:
    """The reference answers 500 for the whole batch."""
    return asked.in_batch and asked.status == (500, 304)


def is_batch_redirect(asked: Asked) -> bool:
    """The reference answers errno 999 without message."""
    if not asked.in_batch or asked.status != (404, 404):
        return False
    return bool(asked.json[0].get("errno") == 999 and asked.json[1].get("errno") == 111)


def is_batch_memory(asked: Asked) -> bool:
    """The reference reads groups and schemas once, and clears below a deleted parent late."""
    earlier = [one for one in asked.before if one.method not in ("GET", "HEAD")]
    changed = [one for one in earlier if not re.search(r"/records(/|$)", one.path)]
    return asked.in_batch and bool(changed)


# --- the personal bucket (plugins, chapters 3 and 18) ------------------------------------------

PERSONAL = "/v1/buckets/default"


def is_default_collection(asked: Asked) -> bool:
    """The reference skips the collection when the path ends with the letters of its id."""
    match = re.match(rf"{PERSONAL}/collections/([^/]+)/records/(.+)$", asked.path)
    is_skipped = match is not None and match[2].endswith(match[1])
    return is_skipped and asked.method == "PUT" and asked.status[0] == 404


def is_default_id(asked: Asked) -> bool:
    """The reference replaces the text in any id of any body below the personal bucket."""
    return asked.path.startswith(PERSONAL) and "default" in str(asked.data.get("id"))


def is_default_refusal(asked: Asked) -> bool:
    """The reference refuses nobody before it looks whether there is such a URL."""
    is_odd_url = asked.path.endswith("/") or asked.settings.get("readonly") == "true"
    return asked.path.startswith(PERSONAL) and asked.status[0] in (401, 405) and is_odd_url


def is_default_cors(asked: Asked) -> bool:
    """The reference has none on 401, and now and then those of an unknown URL."""
    is_personal = asked.path.startswith(PERSONAL)
    return is_personal and all("access-control" in where for where in asked.where)
