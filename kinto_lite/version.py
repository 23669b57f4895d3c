"""The one place of the version: the package, its metadata and the hello page read it here."""

VERSION = "0.1.0"
