"""`start --reload`: keeps a server in a process of its own, and starts it again when the ini file
or the program changes. For development: a restart breaks connections.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from kinto_lite.commands.options import DEFAULT_INI
from kinto_lite.server.processes import build_environment

PACKAGE = Path(__file__).resolve().parent.parent
#: Between two looks at the files.
PAUSE_SECONDS = 0.5
END_SECONDS = 15

log = logging.getLogger("kinto_lite")


def run(arguments: Sequence[str], ini: Path | None) -> int:
    """Serve with these arguments of the command line until a signal; return the exit code."""
    kept = [word for word in arguments if not asks_to_reload(word)]
    files = [Path(ini or os.environ.get("KINTO_INI") or DEFAULT_INI)]
    while True:
        seen = look(files)
        server = start(kept)
        try:
            wait_for_change(files, seen)
        except KeyboardInterrupt:
            return 0
        finally:
            end(server)
        log.warning("Something has changed: the server starts again.")


def asks_to_reload(word: str) -> bool:
    """Tell whether a word is the option, which may be shortened."""
    return word.startswith("--r") and "--reload".startswith(word)


def start(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start the server; where it listens is for itself to say."""
    return subprocess.Popen(
        [sys.executable, "-m", "kinto_lite", *arguments], env=build_environment()
    )


def end(server: subprocess.Popen[bytes]) -> None:
    """End the server, which may have ended before."""
    server.terminate()
    try:
        server.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def wait_for_change(files: Sequence[Path], seen: dict[Path, int]) -> None:
    """Wait until something is different from what was seen."""
    while look(files) == seen:
        time.sleep(PAUSE_SECONDS)


def look(files: Sequence[Path]) -> dict[Path, int]:
    """Return when these files, and those of the program, were changed last."""
    times = {}
    for path in [*files, *PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.sql")]:
        try:
            times[path] = path.stat().st_mtime_ns
        except OSError:
            # It is not there now; when it comes back, that is a change.
            continue
    return times
