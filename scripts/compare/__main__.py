"""`python -m compare`: see `scripts/compare-with-kinto`."""

import sys

from compare.program import main

sys.exit(main(sys.argv[1:]))
