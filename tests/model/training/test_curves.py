"""The picture of a run's curves: hours above the steps."""

from pathlib import Path

import pytest

from model.training import curves
from model.training.state import HOURS


def test_hours_go_on_beyond_the_last_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure
    kept = []
    monkeypatch.setattr(figure, "savefig", lambda self, *_, **__: kept.append(self))
    history = [{"step": float(step), "total": 1.0, HOURS: step * 0.00014} for step in range(10, 470, 10)]
    curves.write_picture(tmp_path / "curves.png", history)
    (drawn,) = kept
    drawn.draw_without_rendering()
    panel = drawn.axes[0]
    (above,) = panel.child_axes
    # Where the picture goes on beyond the first and the last step, so do the hours.
    assert above.get_xlim() == pytest.approx([step * 0.00014 for step in panel.get_xlim()])
