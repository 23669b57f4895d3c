"""The settings file that Kinto and kinto-lite are started with: the same, but for the storage."""

from __future__ import annotations

from pathlib import Path

INI = """[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = %(http_port)s

[app:main]
use = egg:kinto
"""
LOGGING = """
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = plain
[logger_root]
level = ERROR
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = plain
[formatter_plain]
format = %(levelname)s %(message)s
"""


def write_ini(folder: Path, settings: dict[str, str], *, has_accounts: bool) -> None:
    """Write the settings of Kinto or of kinto-lite: the same, but for the storage."""
    common = {"userid_hmac_secret": "a secret of the comparison"}
    if has_accounts:
        policy = "kinto.plugins.accounts.authentication.AccountsAuthenticationPolicy"
        common["includes"] = "kinto.plugins.accounts"
        common["account_create_principals"] = "system.Everyone"
        common["multiauth.policies"] = "account"
        common["multiauth.policy.account.use"] = policy
    else:
        common["multiauth.policies"] = "basicauth"
    lines = [f"{name} = {value}\n" for name, value in (common | settings).items()]
    (folder / "kinto.ini").write_text(INI + "".join(lines) + LOGGING, "utf-8")
