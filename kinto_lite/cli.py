"""The command line: reads what was asked for and runs the command.

The commands and their options stand in `commands.table`. Every failure is one line on standard
error and an exit code.

Source: protocol, part 2, chapter 12.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence

from kinto_lite import logs
from kinto_lite.commands.configuration import read_given
from kinto_lite.commands.table import build_parser, find_command
from kinto_lite.errors import ConfigurationError
from kinto_lite.storage.base import Busy, StorageError
from kinto_lite.version import VERSION

INTERRUPTED = 130

log = logging.getLogger("kinto_lite")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    # Until the server takes over, SIGTERM ends the start the way Ctrl-C does: in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = build_parser(arguments).parse_args(arguments)
    if options.command is None:
        # Not before the options are read: it would bring defaults of its own.
        options.command = "start"
    options.arguments = arguments
    set_verbosity(options)
    try:
        return run_command(options)
    except Busy:
        print("Another program keeps the database locked: try again later.", file=sys.stderr)
    except (ConfigurationError, StorageError) as error:
        print(error, file=sys.stderr)
    except OSError as error:
        if options.debug:
            raise
        print(f"{error.filename or 'This'} is not possible: {error.strerror}.", file=sys.stderr)
    except KeyboardInterrupt:
        return 0 if options.command == "start" else INTERRUPTED
    return 1


def set_verbosity(options: argparse.Namespace) -> None:
    """Make the log as quiet or as loud as was asked for. The server says what it has to say on
    standard output, other commands say it through the log."""
    if options.command == "start":
        if options.debug:
            logs.set_up("debug", "text")
    else:
        level = logging.DEBUG if options.debug else logging.WARNING
        logging.basicConfig(level=level, format="%(levelname)-5s  %(message)s")
        log.setLevel(logging.DEBUG if options.debug else logging.INFO)
    if options.quiet:
        log.setLevel(logging.CRITICAL)


def run_command(options: argparse.Namespace) -> int:
    """Run the command that was asked for. Errors: ConfigurationError, StorageError."""
    command = find_command(options.command)
    module = command.load()
    if not command.reads_settings:
        return module.run(options, {})
    given = read_given(options)
    log.info("Running kinto-lite %s.", VERSION)
    return module.run(options, given)
