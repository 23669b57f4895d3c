"""`python -m kinto_lite`: the command line."""

from kinto_lite.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
