"""Places of photos in a live table: always in the order of the photos, and few photos get another."""

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.remote.live.places import GAP, MOST, arranged, fresh
from indexer.values import Ids

NONE = np.iinfo(np.int64).min


class Photos:
    """Photos in an order, with their places."""

    def __init__(self, count: int) -> None:
        self.order = list(range(count))
        self.next = count
        self.places: dict[int, int] = dict(zip(self.order, fresh(count).tolist(), strict=True))

    def insert(self, at: int) -> None:
        self.order.insert(at, self.next)
        self.next += 1

    def move(self, at: int, to: int) -> None:
        self.order.insert(to, self.order.pop(at))

    def arrange(self) -> int:
        """Returns how many of those that had a place got another."""
        before: Ids = np.array([self.places.get(one, NONE) for one in self.order], dtype=np.int64)
        known: NDArray[np.bool_] = before != NONE
        found = arranged(before, known)
        assert (np.diff(found) > 0).all()
        assert not len(found) or np.abs(found).max() <= MOST
        self.places = dict(zip(self.order, found.tolist(), strict=True))
        return int((found[known] != before[known]).sum())


def test_without_a_change_nothing_moves() -> None:
    photos = Photos(1000)
    assert photos.arrange() == 0
    assert list(photos.places.values()) == [GAP * place for place in range(1000)]
    for count in (0, 1):
        assert len(arranged(fresh(count), np.ones(count, bool))) == count


def test_new_ones_anywhere_move_nobody() -> None:
    for seed in range(20):
        chance, photos = np.random.default_rng(seed), Photos(50)
        for _ in range(200):
            photos.insert(int(chance.integers(0, len(photos.order) + 1)))
            if chance.random() < 0.2:
                photos.order.pop(int(chance.integers(0, len(photos.order))))
            if chance.random() < 0.5:
                assert photos.arrange() == 0


@pytest.mark.parametrize("at", [0, 100])
def test_at_the_ends_there_is_always_room(at: int) -> None:
    """Photos of today come before all others, run after run."""
    photos = Photos(100)
    for _ in range(500):
        photos.insert(len(photos.order) if at else 0)
        assert photos.arrange() == 0


@pytest.mark.parametrize("seed", range(20))
def test_only_those_whose_order_changed_move(seed: int) -> None:
    chance, photos = np.random.default_rng(seed), Photos(300)
    moves = int(chance.integers(1, 20))
    for _ in range(moves):
        photos.move(*(int(chance.integers(0, 300)) for _ in range(2)))
    assert photos.arrange() <= moves


def test_a_block_that_moves_is_all_that_moves() -> None:
    photos = Photos(1000)
    photos.order = photos.order[900:] + photos.order[:900]
    assert photos.arrange() == 100


def test_the_longest_stretch_stays_whatever_the_order() -> None:
    """Compared with the plain algorithm, which takes the square of their number."""
    for seed in range(50):
        values = np.random.default_rng(seed).permutation(40).astype(np.int64) * GAP
        best: list[int] = []
        for at, value in enumerate(values.tolist()):
            smaller = [best[other] for other in range(at) if values[other] < value]
            best.append(1 + max(smaller, default=0))
        found = arranged(values, np.ones(40, bool))
        assert (np.diff(found) > 0).all()
        assert int((found == values).sum()) == max(best)


def test_equal_places_are_told_apart() -> None:
    """A run that died between two rows may have given both the same place."""
    found = arranged(np.array([0, 7, 7, 7, 9 * GAP], np.int64), np.ones(5, bool))
    assert (np.diff(found) > 0).all()
    assert (int(found[0]), int(found[4])) == (0, 9 * GAP)


@pytest.mark.parametrize("seed", range(5))
def test_where_room_runs_out_only_neighbours_move(seed: int) -> None:
    """Always beside the same photo, many times as often as a gap can be halved."""
    chance, photos, moved, times = np.random.default_rng(seed), Photos(1000), 0, 1000
    for _ in range(times):
        at = photos.order.index(500) + int(chance.integers(0, 2))
        photos.insert(at)
        moved += photos.arrange()
    assert 0 < moved < 8 * times
    assert all(photos.places[one] == one * GAP for one in (*range(200), *range(800, 1000)))


def test_if_all_are_crowded_all_move() -> None:
    photos = Photos(1)
    photos.places = {number: number for number in range(1000)}
    photos.order, photos.next = list(range(1000)), 1000
    photos.insert(500)
    assert photos.arrange() > 0
    assert photos.arrange() == 0


def test_places_that_would_be_too_far_away_begin_again() -> None:
    before = np.array([NONE, -MOST + 5, 0, MOST], np.int64)
    assert arranged(before, before != NONE).tolist() == fresh(4).tolist()
    assert int(fresh(2).max()) == GAP


def test_a_library_of_a_billion_photos_has_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gaps are as wide as the numbers allow."""
    monkeypatch.setattr("indexer.remote.live.places.MOST", 10 * GAP)
    assert fresh(40).tolist() == [number * (GAP // 4) for number in range(40)]
