"""Where kinto-lite answers otherwise than the reference, on purpose: one row each.

A mismatch that a row explains is counted as known. `title` is the line of
`docs/differences.md` that tells users about it; the functions are in `explanations` and
`list_explanations`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from compare import explanations as why
from compare import list_explanations as lists
from compare.asked import Asked, Case, take_apart, take_items
from compare.comparison import Mismatch


class Difference(NamedTuple):
    """A line of `docs/differences.md`, and whether it explains an exchange."""

    title: str
    explains: Callable[[Asked], bool]


DIFFERENCES: tuple[Difference, ...] = (
    Difference("like_ works when some objects have no text there", lists.is_like_failure),
    Difference("like_ compares values that are not texts by their JSON", lists.is_like_of_json),
    Difference("arrays and objects have an order", lists.is_order_failure),
    Difference("a has_ filter goes together with others", lists.is_has_with_others),
    Difference("has_last_modified is always a 400", lists.is_has_of_time),
    Difference("contains_ and contains_any_ look into arrays only", lists.is_contains_in_text),
    Difference("true and 1 differ in every filter", lists.is_true_or_one),
    Difference("_since=null and _before=null are as absent", lists.is_since_null),
    Difference("HEAD counts live objects that have a field `deleted`", lists.is_deleted_field),
    Difference("pages go on behind arrays and objects", lists.is_unsortable_page),
    Difference("pages of a deletion go on in order", lists.is_deletion_page),
    Difference("a page token belongs to the filters it came with", lists.is_foreign_token),
    Difference("objects of the same timestamp come in any order", lists.is_tie),
    Difference("last_modified equal to the list's becomes a fresh time", lists.is_bumped_time),
    Difference("a refused write does not start a list", lists.is_unstarted_list),
    Difference("media types ignore case and parameters", why.is_media_type),
    Difference("data.__permissions__ is dropped", why.is_hidden_permissions),
    Difference("last_modified that is no time is dropped", why.is_impossible_time),
    Difference("DELETE ?last_modified is checked", why.is_deletion_time),
    Difference("a merge patch may put an object over a scalar", why.is_merge_over_scalar),
    Difference("a JSON patch cannot remove /data or /permissions", why.is_patch_of_root),
    Difference("a JSON patch treats all permissions alike", why.is_patch_of_permissions),
    Difference("Response-Behavior leaves removed members out", why.is_light_removal),
    Difference('If-Match: "0" and "*x" are read as they stand', why.is_odd_precondition),
    Difference("412 shows the object only to those who may read it", why.is_hidden_existing),
    Difference("nothing is created below a missing bucket", why.is_orphan),
    Difference("/permissions ignores If-Match", why.is_permissions_precondition),
    Difference("a batch may hold any path but /batch", why.is_batch_path),
    Difference("a batch refuses a JSON array with 400", why.is_batch_array),
    Difference("an item of a batch wins over defaults of another type", why.is_batch_default),
    Difference("304 inside a batch is a 304", why.is_batch_304),
    Difference("404 after a redirect inside a batch is the usual one", why.is_batch_redirect),
    Difference("a batch sees what its earlier items did", why.is_batch_memory),
    Difference("schema errors of the whole object name the keyword", why.is_schema_keyword),
    Difference("refused methods have the CORS headers of others", why.is_disabled_method),
    Difference("schemas of Draft 7 are applied by Draft 7", why.is_old_dialect),
    Difference("POST to /__user_data__ is 405 whatever it sends", why.is_user_data_post),
    Difference("/v10 is not version 1", why.is_version_prefix),
    Difference("/__version__ without file is 404", why.is_version),
    Difference("the personal bucket makes every collection it needs", why.is_default_collection),
    Difference("only data.id = default of PUT /buckets/default is replaced", why.is_default_id),
    Difference("the personal bucket has the CORS headers of any other", why.is_default_cors),
    Difference("a personal URL is redirected before asking who", why.is_default_refusal),
    Difference("groups of a deleted bucket lose their members", why.is_old_group),
    Difference("errors escape characters as other answers do", why.is_escape),
    Difference("an id has no newline at its end", why.is_newline),
)


def find_difference(
    case: Case, mismatches: Sequence[Mismatch], rows: Sequence[Difference] = DIFFERENCES
) -> Difference | None:
    """Return a row when rows explain all these mismatches, or None."""
    asked = take_apart(case, tuple(mismatches))
    row = find_row(asked, rows)
    if row is not None:
        return row
    items = take_items(asked)
    if asked.where == ("status",):
        return next((found for item in items if (found := find_row(item, rows))), None)
    places = [re.match(r"body\.responses\[(\d+)\]", where) for where in asked.where]
    explaining = [find_row(items[int(place[1])], rows) if place else None for place in places]
    return explaining[0] if explaining and all(explaining) else None


def find_row(asked: Asked, rows: Sequence[Difference]) -> Difference | None:
    """Return the first row that explains one exchange."""
    return next((row for row in rows if row.explains(asked)), None)
