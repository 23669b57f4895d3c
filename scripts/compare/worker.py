"""One of the two compared servers: a WSGI application behind a pipe, in a process of its own.

Runs in the environment of the server it holds, so it imports the standard library and that
server, nothing else. Each settings dict has an application in a process of its own, because
the reference keeps some settings in places that all applications of a process share. Reads
one JSON object per line from standard input, answers with one per line on standard output:

    {"open": {<settings>}}                        -> {}     an empty server with these settings
    {"method", "path", "headers", "body"}         -> {"status", "headers", "body"}

`body` is latin-1 text of the bytes, `headers` a list of pairs, `path` has the query string.
Leaves what to ask, and what to make of the answers, to the other modules.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import unquote_to_bytes


def make_reference(settings: Mapping[str, str]) -> Any:
    """Return the reference server as a WSGI application with empty memory backends."""
    return importlib.import_module("kinto").main({}, **settings)


def empty_reference(app: Any) -> None:
    """Forget all that is stored in the reference server."""
    for backend in (app.registry.storage, app.registry.permission, app.registry.cache):
        backend.flush()


def make_ours(settings: Mapping[str, str]) -> Any:
    """Return kinto-lite as a WSGI application with an empty private database."""
    return importlib.import_module("kinto_lite").make_app(settings)


def empty_ours(app: Any) -> None:
    """Forget all that is stored in kinto-lite."""
    app.storage.flush()


SERVERS: dict[str, tuple[Callable[[Mapping[str, str]], Any], Callable[[Any], None]]] = {
    "kinto": (make_reference, empty_reference),
    "kinto-lite": (make_ours, empty_ours),
}


def build_environ(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the WSGI environment of one request, as an HTTP server would make it."""
    path, _, query = message["path"].partition("?")
    body = message["body"].encode("latin-1")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": message["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "RAW_URI": message["path"],
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "HTTP_HOST": "localhost",
    }
    for name, value in message["headers"]:
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ


def call_app(app: Any, message: Mapping[str, Any]) -> dict[str, Any]:
    """Send one request to the application; what it raises is shown as status 599."""
    started: list[Any] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], None]:
        started[:] = [int(status.split()[0]), [list(pair) for pair in headers]]
        return written.append

    written: list[bytes] = []
    try:
        parts = app(build_environ(message), start_response)
        written.extend(parts)
        if hasattr(parts, "close"):
            parts.close()
    except Exception as error:
        return {"status": 599, "headers": [], "body": f"{type(error).__name__}: {error}"}
    body = b"".join(written).decode("latin-1")
    return {"status": started[0], "headers": started[1], "body": body}


def serve_app(server: str, settings: Mapping[str, str], line: Connection) -> None:
    """Answer for one application until nobody asks any more."""
    make, empty = SERVERS[server]
    app = make(settings)
    while True:
        try:
            message = line.recv()
        except EOFError:
            return
        if message == "end":
            app.close()
            line.send({})
            return
        if "open" in message:
            empty(app)
            line.send({})
        else:
            line.send(call_app(app, message))


def start_app(server: str, settings: Mapping[str, str]) -> Connection:
    """Start the process of one application; returns where to ask it."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve_app, args=(server, settings, there), daemon=True)
    process.start()
    there.close()
    return here


def stop_apps(apps: dict[str, Connection], kept: str) -> None:
    """End the processes of all applications but one."""
    for settings in [settings for settings in apps if settings != kept]:
        line = apps.pop(settings)
        line.send("end")
        line.recv()


def serve(server: str, place: Mapping[str, str]) -> None:
    """Answer the lines of standard input until it ends. `place` are settings that say where to
    store, and that win over those that are asked for."""
    # What a server prints must not end up among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # Imported once, here, for all processes that are forked.
    importlib.import_module(server.replace("-", "_"))
    apps: dict[str, Connection] = {}
    current = ""
    for text in sys.stdin:
        message = json.loads(text)
        if "open" in message:
            current = json.dumps(message["open"], sort_keys=True)
            if place:
                # What an app stores when it is opened depends on its settings: one at a time.
                stop_apps(apps, current)
            if current not in apps:
                apps[current] = start_app(server, {**message["open"], **place})
        apps[current].send(message)
        answers.write(json.dumps(apps[current].recv()) + "\n")
        answers.flush()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    serve(sys.argv[1], {"storage_url": sys.argv[2]} if len(sys.argv) > 2 else {})
