"""What the operator asked for, read once at the start and typed by the table of settings.

`read_settings` takes what a file, a caller and the environment say, and gives a `Settings`.
Leaves the names, types and defaults to `settings_table`, the reading of ini files to `cli`,
and what a setting does to the room that asks for it.

Source: protocol, part 2, chapter 11 (prefix, values, environment) and chapter 18, rules
D-17 (secrets are text), D-18 (real booleans) and D-27 (the environment may set anything).
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from kinto_lite.errors import ConfigurationError
from kinto_lite.settings_table import TABLE, Setting, ValueType

PREFIX = "kinto."
#: What a paste ini file holds beside settings.
NOT_SETTINGS = frozenset({"use", "here", "__file__"})

TRUE_WORDS = frozenset({"true", "yes", "on", "y", "t", "1"})
FALSE_WORDS = frozenset({"false", "no", "off", "n", "f", "0", "none", "null", ""})
#: Texts that say that a setting has no value.
EMPTY_WORDS = frozenset({"", "null", "none"})
#: No number of the table needs more digits, and `int` and `float` stay cheap.
MAX_DIGITS = 18

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force, by their names without prefix.

    Every name of the table that has no `*` is there, with its default at least; of the
    others what was given. Lists are tuples of text, numbers and booleans are real ones.
    """

    #: Not shown by `repr`: there are secrets in it.
    values: Mapping[str, Any] = field(repr=False)
    #: Names that a file, the caller or the environment gave.
    given: frozenset[str] = frozenset()
    table: Sequence[Setting] = field(default=TABLE, repr=False)

    def __getitem__(self, name: str) -> Any:
        """Return the value of a setting; KeyError when the table has no such name."""
        return self.values[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a setting, `default` when it has none."""
        value = self.values.get(name)
        return default if value is None else value

    def is_given(self, name: str) -> bool:
        """Tell whether somebody asked for it (an empty value counts), or it is the default."""
        return name in self.given

    def principals(self, kind: str, permission: str) -> frozenset[str]:
        """Return who has `permission` (create, read, write) on all objects of a kind."""
        return frozenset(self.get(f"{kind}_{permission}_principals", ()))

    def is_enabled(self, endpoint: str, kind: str, method: str) -> bool:
        """Tell whether `plural` or `object` endpoints of a kind serve a method, in any case."""
        return bool(self.get(f"{endpoint}_{kind}_{method.lower()}_enabled", True))

    def cache_expires_seconds(self, kind: str) -> int | None:
        """Return for how long anonymous readers may keep buckets, groups or collections.

        Zero counts as no setting. Source: protocol, part 1, chapter 11.
        """
        return self.get(f"{kind}_cache_expires_seconds") or None

    def record_cache_expires_seconds(self, bucket_id: str, collection_id: str) -> int | None:
        """Return for how long anonymous readers may keep records of a collection.

        None: nothing applies; 0 (also for negative numbers): never. The `cache_expires` of
        the collection is for the caller to add. Source: protocol, part 1, chapter 11.
        """
        name = "record_cache_expires_seconds"
        for spelling in (
            f"{bucket_id}.{collection_id}.{name}",
            f"{bucket_id}.{name}",
            name,
            f"{bucket_id}_{collection_id}_{name}",
            f"{bucket_id}_{name}",
        ):
            seconds = self.get(spelling)
            if seconds is not None:
                return max(0, int(seconds))
        return None

    def policy_option(self, policy: str, option: str) -> Any:
        """Return `multiauth.policy.<policy>.<option>`, or the default of such options."""
        name = f"multiauth.policy.{policy}.{option}"
        row = find_row(name, self.table)
        return self.get(name, None if row is None else row.default)

    def listener_options(self, listener: str) -> dict[str, Any]:
        """Return what `event_listeners.<listener>.*` says, by the last part of the names."""
        prefix = f"event_listeners.{listener}."
        options = {
            row.name.removeprefix("event_listeners.*."): row.default
            for row in self.table
            if row.listed_in == "event_listeners"
        }
        given = {n.removeprefix(prefix): v for n, v in self.values.items() if n.startswith(prefix)}
        return options | given

    def end_of_service(self) -> datetime | None:
        """Return the moment from which the service is gone (UTC unless the date says more)."""
        text = self.get("eos")
        return None if text is None else parse_date(text)


def log_warning(line: str) -> None:
    """Say a line to the operator through the log."""
    logging.getLogger("kinto_lite").warning("%s", line)


def read_settings(
    given: Mapping[str, Any],
    environ: Mapping[str, str] = NOTHING,
    warn: Callable[[str], None] = log_warning,
    table: Sequence[Setting] = TABLE,
) -> Settings:
    """Read what was given into settings.

    `given` has names with or without the `kinto.` prefix, and texts or Python values;
    `environ` (`KINTO_PAGINATE_BY`, or weaker `PAGINATE_BY`) wins over it. `warn` hears one
    line for each unknown name, and one for all that are without effect. Plugins with settings
    of their own add rows to `table`.

    Errors: ConfigurationError when a value cannot be read, or two contradict each other.
    """
    raw = drop_prefixes(given)
    raw.update(read_environment(environ, raw, table))
    values = default_values(table)
    without_effect = []
    for name, text in raw.items():
        row = find_row(name, table)
        if row is None:
            warn(describe_unknown(name, table))
        elif row.is_used:
            values[name] = read_value(name, row, text)
        elif str(text).lower() != str(row.default or "").lower():
            without_effect.append(name)
    if without_effect:
        names = ", ".join(repr(name) for name in sorted(without_effect))
        warn(f"Settings of Kinto that have no effect in kinto-lite: {names}.")
    return Settings(MappingProxyType(values), frozenset(raw), table)


def drop_prefixes(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings by their names without prefix.

    Errors: ConfigurationError when one is there with and without, and the values differ.
    """
    raw: dict[str, Any] = {}
    for full_name, value in given.items():
        name = full_name.removeprefix(PREFIX)
        if name in NOT_SETTINGS:
            continue
        if name in raw and raw[name] != value:
            raise ConfigurationError(f"Settings '{PREFIX}{name}', '{name}' are in conflict.")
        raw[name] = value
    return raw


def read_environment(
    environ: Mapping[str, str], raw: Mapping[str, Any], table: Sequence[Setting]
) -> dict[str, str]:
    """Return what the environment says about settings that the table knows or `raw` has."""
    fixed = [name for row in table for name in row.names if "*" not in name]
    found = look_up(environ, [*fixed, *raw])
    lists = dict(raw) | found
    return found | look_up(environ, names_by_lists(lists, table))


def look_up(environ: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the variables for these settings: upper case, `_` for `.` and `-`."""
    found = {}
    for name in names:
        variable = name.replace(".", "_").replace("-", "_").upper()
        for one in (f"KINTO_{variable}", variable):
            if one in environ:
                found[name] = environ[one]
                break
    return found


def names_by_lists(raw: Mapping[str, Any], table: Sequence[Setting]) -> Iterable[str]:
    """Yield the names that rows with a `*` stand for, by the lists that fill it in."""
    for row in table:
        if row.listed_in is not None:
            for one in read_list(raw.get(row.listed_in)):
                yield row.name.replace("*", one)


def default_values(table: Sequence[Setting]) -> dict[str, Any]:
    """Return the defaults of all names that have no `*`."""
    return {name: row.default for row in table for name in row.names if "*" not in name}


def find_row(name: str, table: Sequence[Setting] = TABLE) -> Setting | None:
    """Return the row of a name: one that spells it out, else the first whose `*` fits."""
    for row in table:
        if name in row.names:
            return row
    for row in table:
        if any("*" in one and fnmatchcase(name, one) for one in row.names):
            return row
    return None


def describe_unknown(name: str, table: Sequence[Setting]) -> str:
    """Return the line about a name that nobody knows, with the nearest one that is known."""
    known = [one for row in table for one in row.names if "*" not in one]
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), known, n=1, cutoff=0.7)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"Unknown setting '{name}'.{hint}"


def read_value(name: str, row: Setting, raw: Any) -> Any:
    """Return the value that a text or a Python value stands for, by the type of its row.

    Errors: ConfigurationError naming the setting. Source: protocol, part 2, chapter 11.3.
    """
    try:
        value = READERS[row.type](raw)
    except ValueError:
        raise ConfigurationError(describe_unreadable(name, row, raw)) from None
    if value is None:
        return None if row.may_be_none else row.default
    if row.minimum is not None and value < row.minimum:
        raise ConfigurationError(describe_unreadable(name, row, raw))
    return value


def describe_unreadable(name: str, row: Setting, raw: Any) -> str:
    """Return the line about a value that its setting cannot have."""
    bound = "" if row.minimum is None else f" of at least {row.minimum}"
    shown = str(raw) if len(str(raw)) <= 60 else f"{str(raw)[:60]}..."
    return f"Setting '{name}' must be {row.type.value}{bound}, not '{shown}'."


def read_text(raw: Any) -> str | None:
    """Return text as it is; a JSON string loses its quotes, None and `null` are no text."""
    if raw is None or raw == "null":
        return None
    text = str(raw)
    if text.startswith('"') and text.endswith('"'):
        return unquote(text)
    return text


def unquote(text: str) -> str:
    """Return what a JSON string says, or the text itself when it is none."""
    try:
        decoded = json.loads(text)
    except ValueError:
        return text
    return decoded if isinstance(decoded, str) else text


def read_bool(raw: Any) -> bool:
    """Return whether a word means yes; ValueError when it means neither yes nor no."""
    word = str(raw).strip().strip('"').lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ValueError(word)


def read_number(raw: Any) -> float | None:
    """Return a finite number, None for an empty text; ValueError for anything else."""
    if isinstance(raw, bool):
        raise ValueError(raw)
    word = str(raw).strip().strip('"').lower()
    if word in EMPTY_WORDS:
        return None
    if len(word) > MAX_DIGITS:
        raise ValueError(word)
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(word)
    return number


def read_int(raw: Any) -> int | None:
    """Return a whole number (`5.0` is one), None for an empty text; ValueError otherwise."""
    number = read_number(raw)
    if number is None:
        return None
    if not number.is_integer():
        raise ValueError(raw)
    return int(number)


def read_list(raw: Any) -> tuple[str, ...]:
    """Return the words of a text, or the members of a list (of Python, or in JSON)."""
    if raw is None or raw == "null":
        return ()
    if isinstance(raw, str) and raw.lstrip().startswith("["):
        raw = decode_list(raw)
    if isinstance(raw, str):
        return tuple((read_text(raw.strip()) or "").split())
    if not isinstance(raw, Iterable):
        raise ValueError(raw)
    return tuple(str(member) for member in raw)


def decode_list(text: str) -> Any:
    """Return the JSON list in a text, or the text when there is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def read_date(raw: Any) -> str | None:
    """Return the text of a date as it was given; ValueError when it is none."""
    text = read_text(raw)
    if text is None or not text.strip():
        return None
    parse_date(text)
    return text


def parse_date(text: str) -> datetime:
    """Return the moment of an ISO 8601 date or time, in UTC when it names no zone."""
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


READERS: Mapping[ValueType, Callable[[Any], Any]] = {
    ValueType.BOOL: read_bool,
    ValueType.INT: read_int,
    ValueType.NUM: read_number,
    ValueType.TEXT: read_text,
    ValueType.SECRET: read_text,
    ValueType.LIST: read_list,
    ValueType.DATE: read_date,
}
