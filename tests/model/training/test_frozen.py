"""What does not learn is the same in OpenVINO, for any number of pictures, and however many results it has."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model.training import frozen
from model.training.frozen import Frozen
from model.training.learners.base import _has_half
from model.training.views import Views
from tests.kit.training import tiny_data, tiny_learner, tiny_recipe

COMPILED = "model.training.frozen._compiled"


class _Maps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3, stride=2)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.first(pictures.permute(0, 3, 1, 2).float() / 255)
        return fine, self.second(fine)


def pictures(count: int) -> Tensor:
    found = np.random.default_rng(count).integers(0, 255, (count, 16, 16, 3), dtype=np.uint8)
    return torch.from_numpy(found)


def test_all_results_are_those_of_torch() -> None:
    network = _Maps()
    quick = Frozen(network, network, worth=0)
    batches = [pictures(count) for count in (3, 1, 8, 3)]
    found = [quick(batch) for batch in batches]
    for batch, results in zip(batches, found, strict=True):
        with torch.no_grad():
            wanted = network(batch)
        assert len(results) == 2
        for one, other in zip(results, wanted, strict=True):
            assert torch.allclose(one, other, atol=1e-5)


def test_it_is_compiled_once_and_only_if_there_is_enough_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = frozen._compiled
    monkeypatch.setattr(COMPILED, lambda *given: calls.append(given) or real(*given))
    network = _Maps()
    quick = Frozen(network, network, worth=10)
    quick(pictures(10))
    assert not calls
    quick(pictures(2))
    quick(pictures(2))
    assert len(calls) == 1


@pytest.mark.parametrize("half", [False, True])
def test_views_are_prepared_so_on_a_cpu_without_half_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: bool
) -> None:
    calls = []
    real = frozen._compiled
    monkeypatch.setattr(COMPILED, lambda *given: calls.append(given) or real(*given))
    monkeypatch.setattr("model.training.views.Frozen", partial(Frozen, worth=0))
    monkeypatch.setattr("model.training.learners.base._has_half", lambda: half)
    data = tiny_data(tmp_path / "data", count=2)
    learner = tiny_learner(tiny_recipe())
    learner.half_on_cpu = True
    views = [Views(data.records, learner, size=32, per_record=2, seed=0) for _ in range(2)]
    views[0].cache(tmp_path / "cached.f16")
    assert len(calls) == (not half)
    rows = list(range(len(data)))
    assert torch.allclose(views[0].images(rows), views[1].images(rows).float(), atol=2e-2, rtol=2e-2)


def test_half_precision_is_used_where_the_processor_has_instructions_for_it() -> None:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), None)
    if flags is None:
        pytest.skip("this system does not list a processor's instructions")
    assert _has_half() == bool(flags & {"avx512_bf16", "amx_bf16", "avx_ne_convert"})
