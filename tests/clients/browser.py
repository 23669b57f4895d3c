"""A person at Kinto's admin console: headless Chromium, driven through Selenium.

Where there is no Chromium with its driver, or no console can be fetched, tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live import run_command

CACHE = Path(__file__).resolve().parents[2] / ".cache"
PATIENCE_SECONDS = 60
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

#: What the console does wrong by itself, with any server: it asks for a picture that it lacks,
#: and for the server's health before anybody has signed in.
KNOWN_COMPLAINTS = ("/images/favicon.png", "Client not configured.")


def find_console() -> Path:
    """Return the folder of the console, fetched once; skip the test when it cannot be had."""
    folder = CACHE / "kinto-lite-admin"
    if not (folder / "index.html").is_file():
        CACHE.mkdir(exist_ok=True)
        (CACHE / ".gitignore").write_text("*\n")
        finished = run_command(CACHE, "fetch-admin", "--to", str(folder))
        if finished.returncode:
            pytest.skip(f"the admin console could not be fetched: {finished.stderr[-300:]}")
    return folder


@contextmanager
def open_browser(scratch: Path) -> Iterator[Any]:
    """Yield a Selenium driver of a fresh browser; skip the test when there is none."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("needs a browser: apt install chromium chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs the package selenium")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in list_flags(scratch):
        options.add_argument(flag)
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield opened
    finally:
        opened.quit()


def list_flags(scratch: Path) -> Iterator[str]:
    yield from ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en")
    yield from ("--window-size=1300,1100", f"--user-data-dir={scratch / 'profile'}")
    if os.geteuid() == 0:
        # Chromium's sandbox refuses to work for root.
        yield "--no-sandbox"


class Person:
    """Somebody at the console, who waits for what should be there."""

    def __init__(self, driver: Any, url: str) -> None:
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver.support.ui import WebDriverWait

        self._driver = driver
        self._console = f"{url}/v1/admin/"
        # The page draws its parts anew at any time, under the hands of whoever uses them.
        self._wait = WebDriverWait(
            driver, PATIENCE_SECONDS, ignored_exceptions=[WebDriverException]
        )

    def visit(self, place: str) -> None:
        """Go to an address within the console, such as `/buckets/create`."""
        self._driver.get(f"{self._console}#{place}")

    def reload(self) -> None:
        """Load the page again: the console reads then what somebody may do."""
        self._driver.refresh()

    def sees(self, text: str) -> None:
        """Wait for a text on the page."""
        self._wait.until(lambda driver: text in self.page(), f"{text!r} is not on the page")

    def waits_for(self, what: Callable[[], bool]) -> None:
        """Wait for something that happens elsewhere."""
        self._wait.until(lambda _driver: what(), f"{what.__name__} stays false")

    def page(self) -> str:
        """Return all text on the page."""
        return str(self._driver.find_element("css selector", "body").text)

    def types(self, field: str, text: str) -> None:
        """Fill in a field of a form, by its id."""

        def fill(driver: Any) -> bool:
            element = driver.find_element("id", field)
            element.clear()
            element.send_keys(text)
            return bool(element.get_attribute("value") == text)

        self._wait.until(fill, f"nothing can be typed into {field}")

    def presses(self, text: str) -> None:
        """Click on the button with a text."""
        self._click("xpath", f"//button[contains(normalize-space(.), '{text}')]")

    def chooses(self, text: str) -> None:
        """Click on the choice with a text."""
        self._click("xpath", f"//label[contains(normalize-space(.), '{text}')]")

    def opens(self, *parts: str) -> None:
        """Click on the link whose address has all these parts."""
        self._click("css selector", "a" + "".join(f"[href*='{part}']" for part in parts))

    def ticks(self, box: str) -> None:
        """Tick a box, by its id."""
        self._click("id", box)

    def _click(self, by: str, what: str) -> None:
        def click(driver: Any) -> bool:
            # Messages that fade away cover buttons; a click by script goes through them.
            driver.execute_script("arguments[0].click()", driver.find_element(by, what))
            return True

        self._wait.until(click, f"there is no {what}")

    def agrees(self) -> None:
        """Say yes to the question that the browser asks."""

        def accept(driver: Any) -> bool:
            driver.switch_to.alert.accept()
            return True

        self._wait.until(accept, "nothing was asked")

    def shoots(self, path: Path) -> None:
        """Keep a picture of the page."""
        self._driver.save_screenshot(str(path))

    def complaints(self) -> list[str]:
        """Return the errors of scripts, of the content policy and of requests so far, but for
        those that are the console's own."""
        logged = self._driver.get_log("browser")
        found = [entry["message"] for entry in logged if entry["level"] == "SEVERE"]
        found += self._failed_requests()
        return [text for text in found if not any(known in text for known in KNOWN_COMPLAINTS)]

    def _failed_requests(self) -> Iterator[str]:
        for entry in self._driver.get_log("performance"):
            event = json.loads(entry["message"])["message"]
            if event["method"] == "Network.responseReceived":
                response = event["params"]["response"]
                if response["status"] >= 400:
                    yield f"{response['status']} {response['url']}"
