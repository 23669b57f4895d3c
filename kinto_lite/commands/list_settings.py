"""`settings`: prints the table of settings, or the rows that have a word in them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping

from kinto_lite.settings_table import TABLE, Setting, describe_default


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `settings`."""
    parser.add_argument("word", nargs="?", default="", help="show only what contains this word")


def run(options: argparse.Namespace, _given: Mapping[str, str]) -> int:
    """Print the rows; return 1 when there are none."""
    lines = list(describe_rows(options.word.lower()))
    if not lines:
        print(f"No setting has {options.word!r} in its name or its help.", file=sys.stderr)
        return 1
    print(*lines, sep="\n")
    return 0


def describe_rows(word: str) -> Iterable[str]:
    """Yield two lines for each setting that is used and contains a word."""
    for row in TABLE:
        if row.is_used and (word in row.name.lower() or word in row.help.lower()):
            default = describe_default(row).replace("`", "")
            yield f"{row.name}  (default: {default}; {name_variable(row)})"
            yield f"    {row.help}"


def name_variable(row: Setting) -> str:
    """Return the environment variable of a row."""
    return "KINTO_" + row.name.replace(".", "_").replace("-", "_").upper()
