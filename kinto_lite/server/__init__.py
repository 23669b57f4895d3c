"""Serving the app to the world: what only a server process can do.

`parsers`, `messages` and `connections` turn bytes into requests, `edge` has the app answer them,
`responses` turns answers into bytes. `runner` runs that in one process, `workers` keeps several
such processes alive. The app itself is a plain WSGI callable that any other server runs, too.
"""
