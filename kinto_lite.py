"""Launcher: `python kinto_lite.py` does what `python -m kinto_lite` does.

`import kinto_lite` always finds the package, because Python prefers a package over a module
of the same name in the same folder.
"""

from kinto_lite.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
