"""Pictures that all tests of training share, and the place where their prepared views are kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from model.data.datasets import Dataset
from tests.kit.training import one_thread, tiny_data


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


@pytest.fixture(scope="session")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Three photos and three drawings of each of four labels."""
    return tiny_data(tmp_path_factory.mktemp("figures"))


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("caches")
