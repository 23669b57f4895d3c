"""Cache-Control, Expires and Pragma, for redirects and for reads.

Source: protocol, core chapters 1.3 and 11.
"""

from __future__ import annotations

from kinto_lite.protocol.timestamps import http_date

NOT_CACHED = [("Cache-Control", "no-cache, no-store")]


def cache_for(seconds: int, now_ms: int) -> list[tuple[str, str]]:
    """Return the headers that let an answer be kept for so many seconds; 0 or less forbids it."""
    if seconds > 0:
        return [
            ("Cache-Control", f"max-age={seconds}"),
            ("Expires", http_date(now_ms + seconds * 1000)),
        ]
    return [
        ("Cache-Control", "max-age=0, must-revalidate, no-cache, no-store"),
        ("Pragma", "no-cache"),
        ("Expires", http_date(now_ms)),
    ]


def redirect_cache(ttl_seconds: int, now_ms: int) -> list[tuple[str, str]]:
    """Return the cache headers of a redirect; -1 sends none."""
    if ttl_seconds < 0:
        return []
    headers = cache_for(ttl_seconds, now_ms)
    return headers if ttl_seconds else [*headers, ("Last-Modified", http_date(now_ms))]
