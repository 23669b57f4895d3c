"""Kinto's HTTP rules without a framework and without an engine: text in, records out, pure."""
