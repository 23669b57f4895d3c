"""Limits on what buckets and collections hold: bytes, records, and the size of each object.

What they hold is counted by objects of the hidden kind `quota`, one for each bucket and each
collection, which change in the transaction of what they count. `usage` says what counts,
`tallies` what a request changes, `counters` how that is stored, `counting` counts from nothing,
`limits` reads the settings, `enforcement` refuses.

Source: protocol, plugins chapter 7.7; public documentation of Kinto 19, "Quotas management".
"""

from __future__ import annotations

from kinto_lite.hooks import Parts, Plugin, Service
from kinto_lite.plugins.quotas.counters import KIND
from kinto_lite.plugins.quotas.enforcement import Enforcer

_CAPABILITY = {
    "description": "Limits how much a bucket or a collection may hold.",
    "url": "https://kinto.readthedocs.io/en/latest/api/1.x/quotas.html",
}


def _set_up(service: Service) -> Parts:
    return Parts(
        capabilities={"quotas": _CAPABILITY},
        before_commit=Enforcer(service.settings).settle,
    )


PLUGIN = Plugin("quotas", _set_up, (KIND,))
