"""What a session is about: the table of topics, and the settings it may run under."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from compare.bodies import ask_body
from compare.exchanges import Session
from compare.generator import Generator, prepare
from compare.lists import (
    ask_deletion,
    ask_fields,
    ask_list,
    ask_pages,
    ask_permissions_list,
    ask_token,
)
from compare.objects import (
    ask_group,
    ask_id,
    ask_patch,
    ask_permission,
    ask_permission_patch,
    ask_precondition,
    ask_schema,
    ask_timestamp,
    ask_verb,
)
from compare.stories import (
    ask_account,
    ask_all_pages,
    ask_history,
    ask_membership,
    ask_permissions_filtered,
    ask_times,
)
from compare.surroundings import (
    ask_batch,
    ask_cors,
    ask_credentials,
    ask_media,
    ask_personal,
    ask_url,
    ask_user_data,
)
from compare.values import SECRET, get_user_id, pick

Ask = Callable[[Generator], None]

TOPICS: Mapping[str, tuple[Ask, ...]] = {
    "verbs": (ask_verb,),
    "preconditions": (ask_precondition,),
    "timestamps": (ask_timestamp,),
    "ids": (ask_id,),
    "patches": (ask_patch, ask_permission_patch),
    "permissions": (ask_permission, ask_group, ask_permissions_list),
    "schemas": (ask_schema,),
    "bodies": (ask_body,),
    "filters": (ask_list,),
    "pages": (ask_pages, ask_token),
    "deletions": (ask_deletion,),
    "fields": (ask_fields,),
    "media": (ask_media,),
    "cors": (ask_cors,),
    "urls": (ask_url, ask_credentials),
    "users": (ask_user_data, ask_permission),
    "default-bucket": (ask_personal,),
    "batches": (ask_batch,),
    "times": (ask_times,),
    "walks": (ask_all_pages,),
    "memberships": (ask_membership, ask_permissions_filtered),
    "history": (ask_history,),
    "accounts": (ask_account,),
}

BASE: Mapping[str, str] = {
    "multiauth.policies": "basicauth",
    "userid_hmac_secret": SECRET,
    "includes": "kinto.plugins.default_bucket",
    "experimental_collection_schema_validation": "true",
    "experimental_permissions_endpoint": "true",
    "project_version": "1.2.3",
}
ALICE, BOB = get_user_id("alice"), get_user_id("bob")

#: Changes to BASE; None takes a setting away. The first is the usual one.
VARIATIONS: tuple[Mapping[str, str | None], ...] = (
    {},
    {"includes": None, "experimental_collection_schema_validation": None},
    {"experimental_permissions_endpoint": None, "paginate_by": "3"},
    {"storage_max_fetch_size": "4"},
    {"paginate_by": "3", "storage_max_fetch_size": "2"},
    {"explicit_permissions": "false", "bucket_write_principals": ALICE},
    {
        "record_create_principals": BOB,
        "collection_write_principals": f"{BOB} /buckets/blog/groups/eds",
    },
    {"bucket_read_principals": "system.Everyone", "group_read_principals": BOB},
    {
        "record_read_principals": BOB,
        "collection_create_principals": BOB,
        "group_create_principals": BOB,
    },
    {"bucket_create_principals": ALICE, "record_write_principals": "system.Authenticated"},
    {"cors_origins": "https://*.example.com http://ok.org", "cors_max_age_seconds": "10"},
    {"record_cache_expires_seconds": "30", "bucket_cache_expires_seconds": "5"},
    {"blog.articles.record_cache_expires_seconds": "0", "group_cache_expires_seconds": "7"},
    {"batch_max_requests": "3", "backoff": "7", "retry_after_seconds": "11"},
    {"plural_bucket_post_enabled": "false", "object_record_delete_enabled": "false"},
    {"eos": "2999-01-01", "eos_message": "bye", "eos_url": "http://bye.org"},
    {"user-data_delete_principals": ALICE},
    {"trailing_slash_redirect_enabled": "false", "version_prefix_redirect_enabled": "false"},
    {"version_prefix_redirect_ttl_seconds": "60", "trailing_slash_redirect_ttl_seconds": "0"},
    {"http_host": "api.example.com", "http_scheme": "https", "project_name": "other"},
    {"multiauth.policies": "", "bucket_create_principals": "system.Everyone"},
    {"readonly": "true"},
    {"includes": "kinto.plugins.default_bucket kinto.plugins.history"},
    {
        "includes": "kinto.plugins.accounts",
        "multiauth.policies": "account basicauth",
        "multiauth.policy.account.use": "kinto.plugins.accounts.AccountsPolicy",
        "account_create_principals": "system.Everyone",
        "account_read_principals": BOB,
    },
)
#: Topics that need a setting to say anything.
NEEDED: Mapping[str, int] = {"users": 16, "history": 22, "accounts": 23}


def make_settings(rng: Random, topic: str) -> dict[str, str]:
    """Return the settings of a session on this topic."""
    place = 0 if rng.random() < 0.5 else rng.randrange(len(VARIATIONS))
    if topic in NEEDED:
        place = NEEDED[topic]
    elif topic == "cors" and rng.random() < 0.4:
        place = 10
    changed = {**BASE, **VARIATIONS[place]}
    return {name: value for name, value in changed.items() if value is not None}


def make_session(seed: str, topic: str | None, length: int) -> Session:
    """Return one session: the same for the same seed, topic and length."""
    rng = Random(seed)
    topic = topic or rng.choice(list(TOPICS))
    generator = Generator(rng)
    prepare(generator)
    while len(generator.requests) < length:
        pick_ask(rng, topic)(generator)
    return Session(make_settings(rng, topic), tuple(generator.requests[:length]))


def pick_ask(rng: Random, topic: str) -> Ask:
    """Return what to ask next: mostly on the topic, else plain verbs or anything."""
    source = pick(rng, {topic: 12, "verbs": 4, "any": 3})
    if source == "any":
        source = rng.choice(list(TOPICS))
    return rng.choice(TOPICS[source])
