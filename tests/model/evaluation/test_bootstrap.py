"""Intervals: against the same resampling written out in loops, and in cases where they are known beforehand."""

import numpy as np
import pytest

from model.evaluation.bootstrap import intervals

CLASSES = np.array(["a"] * 6 + ["b"] * 3 + ["c"] * 9 + ["d"])


def brute_force(values: list[float], classes: list[str], rounds: int) -> tuple[float, float]:
    """Draw classes, then queries within each drawn class, one by one."""
    rng = np.random.default_rng(7)
    names = sorted(set(classes))
    means = []
    for _ in range(rounds):
        drawn: list[float] = []
        for name in rng.choice(names, len(names)):
            own = [value for value, each in zip(values, classes, strict=True) if each == name]
            drawn += rng.choice(own, len(own)).tolist()
        means.append(sum(drawn) / len(drawn))
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def test_it_is_the_two_stage_resampling() -> None:
    values = np.random.default_rng(1).random(len(CLASSES)) + (CLASSES == "c")
    found = intervals({"x": values}, CLASSES, ["x"], resamples=20_000)["x"]
    expected = brute_force(values.tolist(), CLASSES.tolist(), 6000)
    assert found == pytest.approx(expected, abs=0.03)
    assert found[0] < values.mean() < found[1]


def test_one_query_for_each_of_two_classes_by_hand() -> None:
    """Means are 0, .5, and 1, in a quarter, half, and a quarter of all resamples."""
    found = intervals({"x": np.array([0.0, 1.0])}, ["a", "b"], ["x"], level=0.4)
    assert found["x"] == (0.5, 0.5)
    assert intervals({"x": np.array([0.0, 1.0])}, ["a", "b"], ["x"], level=0.6)["x"] == (0, 1)


def test_equal_queries_leave_no_doubt() -> None:
    found = intervals({"x": np.full(19, 0.1), "y": np.ones(19)}, CLASSES, ["x", "y"])
    assert found == {"x": (0.1, 0.1), "y": (1.0, 1.0)}


def test_classes_that_differ_make_it_wider_than_queries_that_do() -> None:
    good = np.repeat([1.0, 0.0, 1.0, 0.0, 1.0, 0.0], 20)
    between = intervals({"x": good}, np.repeat(list("abcdef"), 20), ["x"])["x"]
    within = intervals({"x": good}, np.tile(list("abcdef"), 20), ["x"])["x"]
    assert between[1] - between[0] > 3 * (within[1] - within[0])


def test_one_class_falls_back_to_its_queries() -> None:
    values = np.array([0.0, 1.0] * 50)
    low, high = intervals({"x": values}, ["a"] * 100, ["x"])["x"]
    # The standard error is .05.
    assert (low, high) == pytest.approx((0.40, 0.60), abs=0.02)


def test_queries_without_an_answer_are_left_out_and_one_query_has_no_interval() -> None:
    values = np.array([0.2, np.nan, 0.8, np.nan])
    found = intervals({"x": values}, ["a", "a", "b", "c"], ["x"])
    assert found == intervals({"x": values[[0, 2]]}, ["a", "b"], ["x"])
    assert intervals({"x": values[:2]}, ["a", "a"], ["x"]) == {}


def test_the_seed_decides_and_the_size_of_a_draw_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"x": np.random.default_rng(3).random(19)}
    first = intervals(values, CLASSES, ["x"])
    assert first == intervals(values, CLASSES, ["x"]) != intervals(values, CLASSES, ["x"], seed=1)
    monkeypatch.setattr("model.evaluation.bootstrap.AT_ONCE", 10)
    assert intervals(values, CLASSES, ["x"])["x"] == pytest.approx(first["x"])
