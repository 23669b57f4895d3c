"""The admin console: a web page at `/v1/admin/` that shows and edits what the server stores.

The page is not part of kinto-lite: it is the folder of files that the setting
`admin_assets_path` names, or the one beside the database that `kinto-lite fetch-admin` fills.
`assets` reads the folder, `serving` answers requests for its files, `help_page` stands where
there is none. The page talks to the API of the server it came from, as any client does.

Source: protocol, plugins chapters 1 and 8.
"""

from __future__ import annotations

from collections.abc import Mapping

from kinto_lite.defaults import SQLITE_URL, find_console_folder
from kinto_lite.hooks import Handler, Parts, Plugin, Route, Service
from kinto_lite.plugins.admin.assets import NO_ASSETS, Assets, read_assets
from kinto_lite.plugins.admin.serving import Console, redirect_to_console
from kinto_lite.resources.list_permissions import PERMISSIONS_CAPABILITY, PERMISSIONS_ROUTE
from kinto_lite.settings import Settings, log_warning

_CAPABILITY = {
    "description": "A console in the browser for what the server stores.",
    "url": "https://github.com/Kinto/kinto-admin/",
}


def find_assets(settings: Settings) -> Assets:
    """Return the files that the settings name; none, with a warning, when they are not there.

    Errors: ConfigurationError for a folder that cannot be one of a console.
    """
    path = settings["admin_assets_path"]
    if not path:
        return find_fetched(settings["storage_url"])
    assets = read_assets(path)
    if not assets.has_console:
        log_warning(f"admin_assets_path: there is no index.html to read in {path}.")
    return assets


def find_fetched(storage_url: str) -> Assets:
    """Return what `fetch-admin` put beside the database, if it did."""
    if not storage_url.startswith(SQLITE_URL):
        return NO_ASSETS
    return read_assets(str(find_console_folder({"storage_url": storage_url})))


def _set_up(service: Service) -> Parts:
    assets = find_assets(service.settings)
    console = Console(assets)
    capabilities: dict[str, Mapping[str, str | None]] = {
        "admin": {**_CAPABILITY, "version": assets.version},
    }
    routes = [
        Route("admin", "/admin", _reading(redirect_to_console), is_detached=True),
        Route("admin", "/admin/", _reading(console.show), is_detached=True),
        Route("admin-assets", "/admin/{path*}", _reading(console.show_file), is_detached=True),
    ]
    # The console finds out with it what somebody may see and do.
    if not service.settings["experimental_permissions_endpoint"]:
        routes.append(PERMISSIONS_ROUTE)
        capabilities["permissions_endpoint"] = PERMISSIONS_CAPABILITY
    return Parts(routes=tuple(routes), capabilities=capabilities)


def _reading(handler: Handler) -> dict[str, Handler]:
    return {"GET": handler, "HEAD": handler}


PLUGIN = Plugin("admin", _set_up)
