"""The page at `/admin/` while there is no console: how to get one.

It names no path of this machine, since anybody may see it.

Source: protocol, plugins chapter 8.
"""

from __future__ import annotations

from kinto_lite.model import Answer

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"

_PAGE = b"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The admin console is not here yet</title>
<style>
body { max-width: 40em; margin: 3em auto; padding: 0 1em; font: 1em/1.6 sans-serif }
pre { padding: .8em 1em; overflow: auto; background: #eef1f4 }
</style>
</head>
<body>
<h1>The admin console is not here yet</h1>
<p>This server is ready for Kinto's admin console, but its files are not on this machine. Whoever
runs the server gets them with one command:</p>
<pre>kinto-lite fetch-admin</pre>
<p>Give it the options <code>--ini</code> and <code>--db</code> that the server was started with,
and it puts them where the server looks. For another folder, add the line that it prints to the
ini file:</p>
<pre>kinto.admin_assets_path = /the/folder</pre>
<p>Then start the server again and reload this page.</p>
</body>
</html>
"""


def show_help() -> Answer:
    """Return the page."""
    headers = [
        ("Content-Type", "text/html; charset=UTF-8"),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", _POLICY),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Answer(200, headers, _PAGE)
