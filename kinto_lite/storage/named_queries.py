"""Reads `.sql` files: each query is a line `-- name: word`, a sentence, and the text.

Engines hold their queries as a dict of such texts; where a query has a moving part (filters,
sort), its place is a comment like `/* filters */`, and `fill` puts a compiled fragment there.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from pathlib import Path

_HEADER = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load_queries(package: str, *file_names: str) -> dict[str, str]:
    """Return all queries of these files of a package, by name. A name given twice is an error."""
    queries: dict[str, str] = {}
    for file_name in file_names:
        text = find_folder(package).joinpath(file_name).read_text("utf-8")
        for name, query in parse_queries(text):
            if name in queries:
                raise ValueError(f"query {name!r} is defined twice in {package}")
            queries[name] = query
    return queries


def find_folder(package: str) -> Path:
    """Return the folder of a package that is imported.

    The package is always unpacked; `importlib.resources`, which knows archives, takes longer to
    import than a database to open.
    """
    return Path(sys.modules[package].__path__[0])


def parse_queries(text: str) -> list[tuple[str, str]]:
    """Split the text of a file into (name, query), comment lines left out."""
    parts = _HEADER.split(text)[1:]
    return [
        (name, _strip_comments(body)) for name, body in zip(parts[::2], parts[1::2], strict=True)
    ]


def _strip_comments(body: str) -> str:
    lines = [line for line in body.splitlines() if not line.lstrip().startswith("--")]
    return "\n".join(line for line in lines if line.strip())


@lru_cache(maxsize=1024)
def fill(query: str, *parts: tuple[str, str]) -> str:
    """Put compiled fragments in the places that `/* name */` marks."""
    for name, fragment in parts:
        query = query.replace(f"/* {name} */", fragment)
    return query
