"""The command line of the comparison: options, progress, and the report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from compare.differences import DIFFERENCES
from compare.play import Found, Player
from compare.report import format_found
from compare.servers import REFERENCE, install_reference, start_pair
from compare.topics import TOPICS, make_session

#: Requests in a session, before both servers are emptied.
SESSION_LENGTH = 50


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="compare-with-kinto",
        description=f"Sends the same random requests to kinto-lite and to {REFERENCE}, "
        "and shows where the answers differ. Exit code 1 when a difference is not known.",
    )
    parser.add_argument("--seed", default="1", help="any text; the same seed asks the same")
    parser.add_argument("--exchanges", type=int, default=20000, metavar="N")
    parser.add_argument("--topic", choices=TOPICS, help="ask about one thing; default: all")
    parser.add_argument("--known", action="store_true", help="show the known differences, too")
    parser.add_argument("--no-shrink", action="store_true", help="show sequences as they are")
    parser.add_argument(
        "--python", metavar="FILE", help="a Python that has the reference installed"
    )
    parser.add_argument(
        "--self", action="store_true", dest="itself", help="compare the reference with itself"
    )
    parser.add_argument(
        "--engines",
        action="store_true",
        help="compare kinto-lite in memory with kinto-lite in --storage: all must be the same",
    )
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="let kinto-lite store there, such as postgresql://...; "
        "what is there is deleted. Default: in memory",
    )
    options = parser.parse_args(arguments)
    if options.engines and options.storage is None:
        parser.error("--engines needs the other database: --storage URL")
    return options


def show_progress(player: Player, wanted: int, groups: int) -> None:
    """Write where we are, if somebody is looking."""
    if sys.stderr.isatty():
        text = f"\r{player.exchanges} of {wanted} exchanges, {groups} groups "
        sys.stderr.write(text if player.exchanges < wanted else "\r" + " " * len(text) + "\r")


def collect(player: Player, options: argparse.Namespace) -> dict[str, list[Found]]:
    """Play sessions until enough was exchanged; returns what was found, by group."""
    groups: dict[str, list[Found]] = {}
    number = 0
    while player.exchanges < options.exchanges:
        session = make_session(f"{options.seed}/{number}", options.topic, SESSION_LENGTH)
        for found in player.play(session):
            groups.setdefault(found.group, []).append(found)
        number += 1
        show_progress(player, options.exchanges, len(groups))
    return groups


def find_python(options: argparse.Namespace) -> str | None:
    """Return the Python that has the reference, when it is asked."""
    if options.engines:
        return None
    return options.python or str(install_reference())


def main(arguments: Sequence[str]) -> int:
    """Run the comparison; returns the exit code."""
    options = parse_arguments(arguments)
    pair = start_pair(options, find_python(options))
    # Between two engines there is no difference that could be known.
    player = Player(pair, () if options.engines else DIFFERENCES)
    try:
        groups = collect(player, options)
        exchanges = player.exchanges
        unknown = {name: founds for name, founds in groups.items() if not founds[0].difference}
        for founds in sorted(unknown.values(), key=len, reverse=True):
            smallest = min(founds, key=lambda found: len(found.session.requests))
            print(
                format_found(
                    smallest if options.no_shrink else player.shrink(smallest), len(founds)
                )
            )
    finally:
        pair.close()
    print_known(groups, options.known)
    count = sum(len(founds) for founds in unknown.values())
    print(f"{exchanges} exchanges, {count} mismatches in {len(unknown)} groups")
    return 1 if unknown else 0


def print_known(groups: dict[str, list[Found]], with_all: bool) -> None:
    """Print how often each known difference was met."""
    met = {name: len(founds) for name, founds in groups.items() if founds[0].difference}
    if with_all:
        for row in DIFFERENCES:
            print(f"{met.get(row.title, 0):6}  {row.title}")
    if met:
        print(f"{sum(met.values())} known differences of {len(met)} kinds")
