"""One town for the faults, and these tests before all others: they take two minutes, beside which the rest can run."""

from collections.abc import Iterator

import pytest

from town import Town, close_town, open_town


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: "faults" not in item.path.parts)


@pytest.fixture(scope="session")
def town() -> Iterator[Town]:
    town = open_town()
    yield town
    close_town(town)
