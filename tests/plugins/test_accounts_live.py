"""Accounts on a running server: hashing beside other requests, and `create-user`."""

from __future__ import annotations

import getpass
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from kinto_lite.cli import main
from tests.live import run_command, start_server

INI = """
[app:main]
includes = kinto.plugins.accounts
multiauth.policies = account
multiauth.policy.account.use = kinto.plugins.accounts.AccountsPolicy
account_create_principals = {creators}
readonly = {readonly}
"""


def write_ini(folder: Path, creators: str = "", readonly: str = "false") -> str:
    """Write a file of settings; return the option that names it."""
    path = folder / "kinto.ini"
    path.write_text(INI.format(creators=creators, readonly=readonly))
    return f"--ini={path}"


def test_others_are_answered_while_ten_wrong_passwords_are_checked(tmp_path: Path) -> None:
    with start_server(tmp_path, write_ini(tmp_path, "system.Everyone")) as server:
        url = server.url + "/v1/"
        created = requests.put(url + "accounts/alice", json={"data": {"password": "pw"}})
        assert created.status_code == 201

        def guess(number: int) -> int:
            return requests.get(url + "buckets", auth=("alice", f"wrong{number}")).status_code

        with ThreadPoolExecutor(10) as pool:
            guesses = [pool.submit(guess, number) for number in range(10)]
            answered = 0
            while not all(future.done() for future in guesses):
                assert requests.get(url).status_code == 200
                answered += 1
        assert [future.result() for future in guesses] == [401] * 10
        # In one line behind ten checks, no more than one request would have come through.
        assert answered > 2
        assert requests.get(url + "accounts", auth=("alice", "pw")).status_code == 200


def test_create_user_makes_the_administrator_beside_a_running_server(tmp_path: Path) -> None:
    ini = write_ini(tmp_path)
    with start_server(tmp_path, ini) as server:
        url = server.url + "/v1/accounts"
        assert requests.get(url, auth=("admin", "pw")).status_code == 401
        done = run_command(tmp_path, "create-user", ini, "-u", "admin", "-p", "pw")
        assert (done.returncode, done.stdout) == (0, "Creating user 'admin'\n")
        answer = requests.get(url, auth=("admin", "pw"))
        assert [item["id"] for item in answer.json()["data"]] == ["admin"]
        assert run_command(tmp_path, "create-user", ini, "-u", "admin", "-p", "new").returncode == 0
        assert requests.get(url, auth=("admin", "pw")).status_code == 401
        assert requests.get(url, auth=("admin", "new")).status_code == 200


def test_without_a_file_create_user_makes_an_account_in_the_default_database(
    tmp_path: Path,
) -> None:
    assert run_command(tmp_path, "create-user", "-u", "admin", "-p", "pw").returncode == 0
    with start_server(tmp_path, "--host", "0.0.0.0") as server:
        url = f"http://127.0.0.1:{server.port}/v1/accounts/admin"
        assert requests.get(url, auth=("admin", "pw")).status_code == 200


@pytest.mark.parametrize(("line", "code"), [("readonly = true", 51), ("includes =", 52)])
def test_create_user_says_why_it_cannot(tmp_path: Path, line: str, code: int) -> None:
    path = tmp_path / "kinto.ini"
    path.write_text(f"[app:main]\n{line}\n")
    if code == 51:
        write_ini(tmp_path, readonly="true")
    done = run_command(tmp_path, "create-user", f"--ini={path}", "-u", "a", "-p", "b")
    assert done.returncode == code
    assert "\nCannot create a user " in done.stderr


def test_the_end_of_input_aborts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run_command(tmp_path, "create-user", "-p", "pw")
    assert done.returncode == 53
    assert "User creation aborted" in done.stderr


def test_create_user_asks_until_it_understands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = iter(["b d", "bob"])
    typed = iter(["one", "two", "pw", "pw"])
    monkeypatch.setattr("builtins.input", lambda _prompt: next(names))
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: next(typed))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert main(["create-user", "--db", str(tmp_path / "a.db"), "-u", "a b"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "Creating user 'bob'\n"
    assert printed.err.count("please try again") == 3
    assert "'a b' is not a valid username." in printed.err


def test_create_user_takes_a_password_that_is_piped_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("one\ntwo\npw\npw\n"))
    assert main(["create-user", "--db", str(tmp_path / "a.db"), "-u", "bob"]) == 0
    printed = capsys.readouterr()
    assert printed.out.endswith("Creating user 'bob'\n")
    assert printed.err == "Sorry, passwords do not match, please try again.\n"
