"""What the command line adds to the settings: safe defaults, and a database that lasts.

`make_app` has Kinto's defaults, which let nobody in and keep nothing. Started from the command
line without a file, the server should be useful at once on this machine, and closed to others.

Source: protocol, part 2, chapters 2.1 and 11.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kinto_lite.ini import Ini

DATABASE_NAME = "kinto-lite.db"
SQLITE_URL = "sqlite:///"
#: Beside the database: where `fetch-admin` puts the admin console.
CONSOLE_FOLDER = "kinto-lite-admin"

#: Without a file: what every address gets.
ANY_ADDRESS: Mapping[str, str] = {
    "includes": "kinto.plugins.accounts kinto.plugins.default_bucket kinto.plugins.history",
    "multiauth.policies": "account",
    "multiauth.policy.account.use": "kinto.plugins.accounts.AccountsPolicy",
    # Made on the command line; nobody can make an account over the network.
    "account_write_principals": "account:admin",
    "account_read_principals": "account:admin",
    "experimental_permissions_endpoint": "true",
    "experimental_collection_schema_validation": "true",
}
#: Without a file, and reached from this machine only: anybody may sign in.
LOOPBACK_ONLY: Mapping[str, str] = {
    "multiauth.policies": "account basicauth",
}

STORAGE_NAMES = ("storage_url", "kinto.storage_url")
BACKEND_NAMES = ("storage_backend", "kinto.storage_backend")


def collect_settings(
    ini: Ini | None, database: Path | None, *, is_loopback: bool
) -> dict[str, str]:
    """Return the settings for `make_app`: those of the file, or the defaults.

    `database` is the file that the command line asks for; it wins.
    """
    if ini is not None:
        # Modules beside the file can be named in it (`here` is no setting, but a place).
        settings = {**add_log_settings(ini), "here": str(ini.path.absolute().parent)}
    else:
        settings = {**ANY_ADDRESS, **(LOOPBACK_ONLY if is_loopback else {})}
    if database is not None:
        settings = set_database(settings, database)
    elif not names_database(settings):
        folder = Path.cwd() if ini is None else ini.path.absolute().parent
        settings = set_database(settings, folder / DATABASE_NAME)
    return add_console(settings) if ini is None else settings


def add_console(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings with the admin console on, if it was fetched to its usual place."""
    folder = find_console_folder(settings)
    if not (folder / "index.html").is_file():
        return dict(settings)
    includes = f"{settings['includes']} kinto.plugins.admin"
    return {**settings, "includes": includes, "admin_assets_path": str(folder)}


def find_console_folder(settings: Mapping[str, str]) -> Path:
    """Return the usual place of the admin console: beside the database, or else here."""
    url = next((settings[name] for name in STORAGE_NAMES if name in settings), "")
    path = url.removeprefix(SQLITE_URL)
    folder = Path.cwd() if path in (url, "") else Path(path).absolute().parent
    return folder / CONSOLE_FOLDER


def add_log_settings(ini: Ini) -> dict[str, str]:
    """Return the settings of a file; its logging sections count where they say nothing."""
    asked = {"log_level": ini.logs.level, "log_format": ini.logs.form}
    named = {name.removeprefix("kinto.") for name in ini.settings}
    added = {name: word for name, word in asked.items() if word and name not in named}
    return {**ini.settings, **added}


def names_database(settings: Mapping[str, str]) -> bool:
    """Tell whether settings say where to store; Kinto's memory backend does not count."""
    backends = [settings[name] for name in BACKEND_NAMES if name in settings]
    if any(backend.strip().endswith("memory") for backend in backends):
        return False
    return any(settings.get(name, "").strip() for name in STORAGE_NAMES)


def set_database(settings: Mapping[str, str], database: Path) -> dict[str, str]:
    """Return the settings with this SQLite file as the storage."""
    dropped = (*STORAGE_NAMES, *BACKEND_NAMES)
    kept = {name: value for name, value in settings.items() if name not in dropped}
    return kept | {"storage_url": f"{SQLITE_URL}{database.absolute()}"}
