"""The PostgreSQL engine, through psycopg: one database, any number of nodes.

What clients read back is the text in `object.data`, compact JSON as in the SQLite engine. jsonb
alone would change it: it puts keys in another order, writes large doubles with all their digits,
and refuses U+0000. So jsonb stands beside the text, in `object.fields`, for filters and sorting
only; `texts` says how it is made so that equal values are equal there.

Writers take turns list by list, by locking the row that holds the list's timestamp (`turns`);
readers see one state of the database from their first statement to the last, and wait for
nobody. Nothing is remembered from one request to the next, so that what is changed on one node
counts at once on all others.
"""
