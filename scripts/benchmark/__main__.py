"""`python -m scripts.benchmark`: what `scripts/bench` runs."""

import sys

from scripts.benchmark.program import main

sys.exit(main(sys.argv[1:]))
