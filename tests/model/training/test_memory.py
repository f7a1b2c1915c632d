"""What a tower says of pictures is kept while it is the first; others, and other pictures, are asked."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from model.training.anchors import plain_features
from model.training.memory import Memory, Rows
from model.training.views import Views
from tests.kit.training import tiny_data, tiny_learner, tiny_recipe


def test_each_place_is_asked_once_of_the_first_tower_and_each_time_of_another() -> None:
    asked: list[list[int]] = []
    memory, tower = Memory(10), nn.Linear(2, 2)

    def of(places: list[int], what: str = "x") -> list[float]:
        def ask(wanted: Rows) -> Tensor:
            asked.append([places[each] for each in wanted])
            return torch.tensor([[float(places[each])] for each in wanted])

        return memory.of(what, tower, np.array(places), ask).flatten().tolist()

    assert of([3, 1, 4]) == [3, 1, 4]
    assert of([4, 9, 3, 3]) == [4, 9, 3, 3]
    assert of([9, 1]) == [9, 1]
    assert of([1], what="y") == [1]
    assert asked == [[3, 1, 4], [9], [1]]
    asked.clear()
    with torch.no_grad():
        tower.weight += 1
    assert of([3, 1]) == of([3, 1]) == [3, 1]
    assert asked == [[3, 1], [3, 1]]


def test_a_file_answers_for_the_same_pictures_and_tower_only(tmp_path: Path) -> None:
    file, tower, asked = tmp_path / "seen.said", nn.Linear(2, 2), list[int]()

    def of(places: list[int], seal: str = "toys", what: str = "x") -> list[float]:
        """Each time a run of its own."""

        def ask(wanted: Rows) -> Tensor:
            asked.extend(places[each] for each in wanted)
            return torch.tensor([[float(places[each])] for each in wanted])

        found = Memory(10, file, seal).of(what, tower, np.array(places), ask)
        return found.flatten().tolist()

    assert of([3, 1]) == [3, 1]
    assert of([1, 4, 3]) == [1, 4, 3]
    assert of([4], what="y") == [4]
    assert of([4, 1, 3]) == [4, 1, 3]
    assert asked == [3, 1, 4, 4]
    # One file that is cut, other pictures, another tower: all is asked again.
    file.write_bytes(file.read_bytes()[:-1])
    assert of([1]) == [1]
    assert of([1], seal="shoes") == [1]
    with torch.no_grad():
        tower.weight += 1
    assert of([1], seal="shoes") == [1]
    assert asked[4:] == [1, 1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["seen.said"]


@pytest.mark.parametrize("in_memory", [True, False])
def test_features_are_those_that_would_be_computed(tmp_path: Path, *, in_memory: bool) -> None:
    data, recipe = tiny_data(tmp_path / "data", count=2), tiny_recipe()
    learner = tiny_learner(recipe)
    plain, kept = (Views(data.records, learner, size=32, per_record=1, seed=0) for _ in range(2))
    kept.cache(tmp_path / "kept.f16")
    if in_memory:
        kept.remember()
    rows = [5, 2, 7]
    with torch.no_grad():
        wanted = plain_features(learner, plain, rows)
        first = plain_features(learner, kept, rows)
        assert torch.allclose(first, wanted, atol=2e-2)
        # Of a part of the pictures, in its own numbering.
        assert torch.equal(plain_features(learner, kept.part([7, 5]), [0, 1]), first[[2, 0]])
        for value in learner.backbone.parameters():
            value.mul_(1.5)
        assert not torch.allclose(plain_features(learner, kept, rows), first, atol=1e-3)
