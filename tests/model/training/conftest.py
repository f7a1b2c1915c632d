"""Pictures that all tests of training share, and the place where their prepared views are kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from model.data.datasets import Dataset
from tests.kit.training import tiny_data


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Towers this small gain nothing from a second one, which beside other tests would be waited for."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Three photos and three drawings of each of four labels."""
    return tiny_data(tmp_path_factory.mktemp("figures"))


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("caches")
