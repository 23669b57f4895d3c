"""The server: what only a server can do for the WSGI app. The app itself is made elsewhere.

`addresses` reserves the port, `environ` and `bodies` turn a request into a WSGI environ,
`edge` calls the app from Granian's asynchronous interface, `runner` runs it under Granian,
`workers` keeps several such processes alive, `fallback` is waitress. Granian and waitress are
imported in this room only.
"""
