import pytest
from cases import Town


@pytest.fixture
def town(session):
    return Town(session)
