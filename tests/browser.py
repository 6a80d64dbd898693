"""A real browser for tests of pages: Chromium, driven by Playwright.

Tests that ask for it are skipped, with the reason, where one of the two is missing.
"""

import contextlib
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
_DRIVER = "GL Driver Message"  # of WebGL without a graphics card; none of a page
_PHONE = {"width": 390, "height": 800}
_DESK = {"width": 1400, "height": 1000}


@contextlib.contextmanager
def started():
    """Yields a browser."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed"
    )
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"there is no browser: none of {', '.join(NAMES)}")
    with playwright.sync_playwright() as driver:
        flags = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"]
        browser = driver.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


def expect(locator):
    """Returns what waits for a locator; none of it is evaluated in the page.

    A page's policy forbids `eval`, which Playwright's `wait_for_function` needs as soon
    as it has to wait.
    """
    from playwright import sync_api

    return sync_api.expect(locator)


class Visit:
    """A page that is open, and what went wrong or left the machine on it."""

    def __init__(self, browser, address, *, is_phone=False):
        size = _PHONE if is_phone else _DESK
        self._context = browser.new_context(viewport=size, accept_downloads=True)
        self.page = self._context.new_page()
        self.problems, self.requests = [], []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)

    def close(self):
        self._context.close()

    def _console(self, message):
        if _DRIVER in message.text:
            return
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def text(self, selector):
        return self.page.locator(selector).inner_text()

    def saved(self, selector):
        """Clicks, and returns the bytes of the file that is saved, and its name."""
        with self.page.expect_download() as waiting:
            self.page.locator(selector).click()
        download = waiting.value
        with open(download.path(), "rb") as file:
            return file.read(), download.suggested_filename

    def violations(self):
        """Returns what axe-core finds that is serious or critical."""
        axe = pytest.importorskip(
            "axe_playwright_python.sync_playwright", reason="axe-core is not installed"
        )
        found = axe.Axe().run(self.page).response["violations"]
        return [
            (one["id"], [node["html"] for node in one["nodes"]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
