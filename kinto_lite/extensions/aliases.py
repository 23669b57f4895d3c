"""Names of Kinto's that files written for it import: base classes of generators and listeners.

While such a file is imported, and only where Kinto itself is not installed, `kinto` is a package
made of these few classes. Nothing of it is left afterwards: a file that imports Kinto later, or
asks for more, does not find it.

Source: protocol, plugins chapters 13 and 14.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from kinto_lite.events import (
    AfterResourceChanged,
    AfterResourceRead,
    ResourceChanged,
    ResourceRead,
    ServerFlushed,
)
from kinto_lite.resources.kinds import generate_name, generate_uuid


class Generator:
    """Makes ids: a subclass has a `regexp` and says in `__call__` what a new id is."""

    regexp = r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$"

    def __init__(self, config: Any = None) -> None:
        self._pattern = re.compile(self.regexp)

    def match(self, object_id: str) -> re.Match[str] | None:
        """Tell whether an id may be used."""
        return self._pattern.match(object_id)

    def __call__(self) -> str:
        raise NotImplementedError(f"{type(self).__name__} does not say what a new id is")


class UUID4(Generator):
    """Makes random UUIDs, and accepts nothing else."""

    regexp = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

    def __call__(self) -> str:
        return generate_uuid()


class NameGenerator(Generator):
    """Makes names of eight characters."""

    def __call__(self) -> str:
        return generate_name()


class RelaxedUUID(Generator):
    """Makes random UUIDs, and accepts names."""

    def __call__(self) -> str:
        return generate_uuid()


class ListenerBase:
    """Hears of events: a subclass says in `__call__` what it does about one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take anything."""

    def __call__(self, event: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} does not say what it does")


#: Modules of the package, and what is in them.
CONTENTS: dict[str, tuple[type, ...]] = {
    "kinto": (),
    "kinto.core": (),
    "kinto.core.storage": (),
    "kinto.core.storage.generators": (Generator, UUID4),
    "kinto.core.listeners": (ListenerBase,),
    "kinto.core.events": (
        ResourceRead,
        ResourceChanged,
        AfterResourceRead,
        AfterResourceChanged,
    ),
    "kinto.events": (ServerFlushed,),
    "kinto.views": (NameGenerator, RelaxedUUID),
}


@contextmanager
def lend_kinto_names() -> Iterator[None]:
    """Let `kinto` be imported inside of the block, if it cannot be otherwise."""
    if "kinto" in sys.modules or find_spec("kinto") is not None:
        yield
        return
    modules = build_modules()
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            sys.modules.pop(name, None)


def build_modules() -> dict[str, ModuleType]:
    """Return the modules of the package, by their names."""
    modules: dict[str, ModuleType] = {}
    for name, classes in CONTENTS.items():
        module = modules[name] = ModuleType(name)
        module.__path__ = []
        vars(module).update({one.__name__: one for one in classes})
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(modules[parent], last, module)
    return modules
