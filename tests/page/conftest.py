"""A browser, and a page of the fake service that keeps a record of what went wrong in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page

from tests.fakes.served import Served, served
from tests.page.browser import chromium

__all__ = ["served"]

ANNOUNCEMENTS = """
window.announced = [];
addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("announcement");
  new MutationObserver(() => window.announced.push(place.textContent)).observe(place, { childList: true });
});
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An open page: where it went, and its complaints."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def opened(browser: Browser, served: Served) -> Iterator[Opened]:
    with browser.new_page(viewport={"width": 1100, "height": 900}) as page:
        page.set_default_timeout(15_000)
        page.add_init_script(ANNOUNCEMENTS)
        opened = Opened(page=page)
        page.on("request", lambda request: opened.requests.append(request.url))
        page.on("console", lambda line: opened.complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.goto(served.url)
        yield opened
