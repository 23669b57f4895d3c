"""Random comparison of kinto-lite with the reference server; run it by `compare-with-kinto`."""
