"""The fixture of a fake service that listens."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.fakes.service import FakeService, serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A service and its address."""

    service: FakeService
    url: str


@pytest.fixture
def served() -> Iterator[Served]:
    service = FakeService()
    with serving(service) as url:
        yield Served(service=service, url=url)
