"""Who inherits what, as data, and the principals of a request. Pure; the SQL that joins
these rows lives with each storage engine."""
