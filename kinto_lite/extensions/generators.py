"""How ids look and are made, as the settings say: `id_generator` and those of single kinds.

Kinto's names stand for what is built in. Any other name is a class (or a function that makes
one) with a text `regexp` and a call that returns a new id, as in Kinto's tutorial.

Source: protocol, core chapter 2.3 and plugins chapter 13, rule D-19.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kinto_lite.errors import ConfigurationError
from kinto_lite.extensions.imports import describe_failure, load_dotted
from kinto_lite.hooks import Identifiers
from kinto_lite.resources.kinds import DEFAULT_IDENTIFIERS, NAMES, RELAXED_UUIDS, UUIDS
from kinto_lite.settings import Settings, log_warning

#: What is built in, by the names that Kinto and kinto-lite have for it.
BUILT_IN = {
    "kinto.core.storage.generators.UUID4": UUIDS,
    "kinto.views.NameGenerator": NAMES,
    "kinto.views.RelaxedUUID": RELAXED_UUIDS,
    "kinto_lite.resources.kinds.UUIDS": UUIDS,
    "kinto_lite.resources.kinds.NAMES": NAMES,
    "kinto_lite.resources.kinds.RELAXED_UUIDS": RELAXED_UUIDS,
}
#: Ids longer than this are not shown to the patterns of others.
MAX_ID_CHARACTERS = 255
#: What ids may hold at most: they stand in URLs and JSON as they are.
_SAFE = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+")


@dataclass(frozen=True, slots=True)
class CustomIdentifiers(Identifiers):
    """Ids by the rules of a class that a setting names."""

    matches: Callable[[str], Any]

    def is_valid(self, id_: str) -> bool:
        """Tell whether an id may be used."""
        is_safe = len(id_) <= MAX_ID_CHARACTERS and _SAFE.fullmatch(id_) is not None
        return is_safe and bool(self.matches(id_))


def read_identifiers(settings: Settings, kinds: Iterable[str]) -> dict[str, Identifiers]:
    """Return how ids of each of these kinds look.

    Errors: ConfigurationError for a generator that cannot be used.
    """
    loaded: dict[str, Identifiers] = {}
    found = {}
    for kind in kinds:
        setting, name = choose_generator(settings, kind)
        if name not in loaded:
            loaded[name] = BUILT_IN.get(name) or load_generator(setting, name)
        found[kind] = loaded[name]
    return found


def choose_generator(settings: Settings, kind: str) -> tuple[str, str]:
    """Return the setting that counts for a kind, and the generator it names.

    One of your own in `id_generator` is for records, too, as Kinto's tutorial has it.
    """
    own, common = f"{kind}_id_generator", str(settings["id_generator"])
    if settings.is_given(own) and settings.get(own):
        return own, str(settings[own])
    is_for_record = kind == "record" and common not in BUILT_IN
    if kind in DEFAULT_IDENTIFIERS and not is_for_record:
        return own, str(settings[own])
    return "id_generator", common


def load_generator(setting: str, name: str) -> Identifiers:
    """Return the ids of a class that a setting names. Errors: ConfigurationError."""
    from kinto_lite.extensions.aliases import lend_kinto_names

    with lend_kinto_names():
        make = load_dotted(setting, name)
        try:
            generator = make()
            pattern = re.compile(generator.regexp)
            warn_of_slow_pattern(setting, pattern.pattern)
            identifiers = wrap(name, generator, pattern)
            identifiers.generate()
        except Exception as error:
            raise ConfigurationError(describe_failure(setting, name, error)) from error
    return identifiers


def warn_of_slow_pattern(setting: str, pattern: str) -> None:
    """Say so when strangers could send ids that take very long to check."""
    from kinto_lite.protocol.patterns import measure_pattern

    try:
        measure_pattern(pattern)
    except ValueError as error:
        log_warning(f"Setting '{setting}': checking an id may take very long, since {error}.")


def wrap(name: str, generator: Any, pattern: re.Pattern[str]) -> Identifiers:
    """Return ids by the rules of a generator. One that it makes must be one that it accepts."""
    matches = getattr(generator, "match", pattern.match)

    def generate() -> str:
        id_ = generator()
        if not (isinstance(id_, str) and identifiers.is_valid(id_)):
            raise ValueError(f"{name} made the id {id_!r}, which is not valid by its own rules")
        return id_

    identifiers = CustomIdentifiers(pattern, generate, matches)
    return identifiers
