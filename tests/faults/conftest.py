"""One town for the faults, and these tests before all others: they take two minutes, beside which the rest can run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from phones import Street
from sqlalchemy import Engine
from town import Town, close_town, open_town


@pytest.fixture
def street(town) -> Iterator[Street]:
    """Officers, and whoever is asked for; nobody walks about by themselves."""
    street = Street(town, seed=1, threads=0)
    street.begin()
    yield street
    street.end()


@pytest.fixture
def behind(town) -> Iterator[Engine]:
    """The town's database, to look at what the API does not tell."""
    engine = town.database()
    yield engine
    engine.dispose()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known to `./test tests/faults`; the whole suite always takes the short form."""
    parser.addoption("--long", action="store_true", help="every target is killed ten times, in some twenty minutes")
    parser.addoption("--seed", type=int, help="the kills of an earlier run, as far as a machine repeats itself")
    parser.addoption("--keep", action="store_true", help="leave the folder with logs and data behind")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.parent != here)
    if config.getoption("--long", default=False):
        for item in items:
            item.add_marker(pytest.mark.timeout(2400), append=False)


@pytest.fixture(scope="session")
def town(request: pytest.FixtureRequest) -> Iterator[Town]:
    town = open_town()
    yield town
    close_town(town, keep=request.config.getoption("--keep", default=False))
