"""Attacks, each with what it must not achieve. All are slow: `make test ARGS="-m 'not slow'"` leaves them out."""

from pathlib import Path

import pytest

from tests.service.conftest import live_server, own_server

# As fixtures for the attacks on the service.
__all__ = ["live_server", "own_server"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)
