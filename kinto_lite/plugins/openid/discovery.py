"""Where the endpoints of a provider are: its discovery document, asked for at the start.

What it said is kept in the database, so that a provider that is down keeps no server, and no
worker of one, from starting again.

Source: protocol, plugins chapter 6.1, and OpenID Connect Discovery 1.0, chapter 4.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass

from kinto_lite.errors import ConfigurationError
from kinto_lite.model import Json
from kinto_lite.plugins.openid.addresses import check_url
from kinto_lite.plugins.openid.fetching import Unreachable
from kinto_lite.plugins.openid.line import Line
from kinto_lite.plugins.openid.options import Options
from kinto_lite.plugins.openid.stored import find_discovery, keep_discovery
from kinto_lite.protocol.json_text import dump_json
from kinto_lite.settings import log_warning
from kinto_lite.storage.base import Storage

_PATH = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Discovery:
    """The members of the document that are used. `jwks_uri` is empty where no key is needed."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str


def discover(options: Options, line: Line, storage: Storage) -> Discovery:
    """Return what a provider says of itself, or else what it said the last time.

    Errors: ConfigurationError when it cannot be asked and never was, or makes no sense.
    """
    url = options.issuer + _PATH
    try:
        document = line.read_object(url)
        problem = "the answer is no JSON object"
    except Unreachable as error:
        document, problem = None, str(error)
    if document is None:
        return _recall(options, storage, f"{url} cannot be read ({problem})")
    discovery = read_discovery(options, document)
    _keep(discovery, options, storage)
    return discovery


def read_discovery(options: Options, document: dict[str, Json]) -> Discovery:
    """Return the members that are used. Errors: ConfigurationError for URLs that may not be."""

    def endpoint(name: str) -> str:
        url = document.get(name)
        try:
            if not isinstance(url, str):
                raise ValueError(f"it has no {name}")
            # A provider on this machine may have plain endpoints; others cannot lead here.
            check_url(url, may_be_plain=options.issuer.startswith("http:"))
        except ValueError as error:
            message = f"The OpenID provider {options.name!r} cannot be used: {error}."
            raise ConfigurationError(message) from None
        return url

    return Discovery(
        issuer=_read_issuer(options, document),
        authorization_endpoint=endpoint("authorization_endpoint"),
        token_endpoint=endpoint("token_endpoint"),
        userinfo_endpoint=endpoint("userinfo_endpoint"),
        jwks_uri=endpoint("jwks_uri") if options.audience else "",
    )


def _read_issuer(options: Options, document: dict[str, Json]) -> str:
    issuer = str(document.get("issuer") or options.issuer)
    if issuer.rstrip("/") != options.issuer:
        log_warning(
            f"The OpenID provider {options.name!r} calls itself {issuer!r}, the setting is "
            f"{options.issuer!r}: tokens have to name the former."
        )
    return issuer


def _recall(options: Options, storage: Storage, problem: str) -> Discovery:
    with storage.transaction(write=False) as tx:
        kept = find_discovery(tx, _id_of(options))
    if kept is None:
        raise ConfigurationError(
            f"The OpenID provider {options.name!r} is needed for the first start: {problem}."
        )
    log_warning(f"The OpenID provider {options.name!r} is taken as it was before: {problem}.")
    return read_discovery(options, kept)


def _keep(discovery: Discovery, options: Options, storage: Storage) -> None:
    id_, document = _id_of(options), asdict(discovery)
    with storage.transaction(write=False) as tx:
        if find_discovery(tx, id_) == document:
            return
    with storage.transaction(write=True) as tx:
        keep_discovery(tx, id_, dump_json(document), time.time_ns() // 1_000_000)


def _id_of(options: Options) -> str:
    return hashlib.sha256(options.issuer.encode("utf-8")).hexdigest()
