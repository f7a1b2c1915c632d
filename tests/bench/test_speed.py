"""The speed page is written from what was measured: tables between its marks, and pictures in both themes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from bench.speed.figures import Bar, Curve, Figure, Growth, Results, said
from bench.speed.page import BEGIN, END, write

RATE = Figure(
    "searches, 16 clients",
    "a second",
    (
        Bar("sketchseek, PNG", 60.0),
        Bar("sketchseek, strokes", 70.0),
        Bar("ViT-B/32 service", 5.0, ours=False),
    ),
    more=True,
    goal="14 x",
)
SCAN = Figure("scan", "ms", (Bar("sketchseek", 1.5), Bar("FAISS", 9.0, ours=False)), note="recall@10 .999")
ALONE = Figure("ready", "s", (Bar("sketchseek", 0.7),), goal="0.6 s")
GROWTH = Growth(
    "One search",
    "photos",
    "ms",
    (Curve("ours", [(1000, 0.1), (100_000, 1.5)]), Curve("FAISS", [(1000, 0.12)], ours=False)),
)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    page = tmp_path / "speed.md"
    page.write_text(f"# Speed\n\n{BEGIN}\nold figures\n{END}\n\nThe rest stays.\n")
    return page


def test_tables_replace_what_was_between_the_marks(page: Path) -> None:
    write(Results([RATE, SCAN, ALONE], [GROWTH], ["On two cores."]), page)
    text = page.read_text()
    assert "old figures" not in text
    assert text.startswith(f"# Speed\n\n{BEGIN}\n\nOn two cores.\n")
    assert text.endswith(f"{END}\n\nThe rest stays.\n")
    assert (
        "| searches, 16 clients | 60 a second (PNG) · 70 a second (strokes) | ViT-B/32 service 5 a second "
        "| **12.0 x** | 14 x |" in text
    )
    assert "| scan (recall@10 .999) | 1.5 ms | FAISS 9 ms | **6.0 x** |  |" in text
    assert "| ready | 0.7 s |  |  | 0.6 s |" in text
    assert "| One search, ms | 1,000 photos | 100,000 photos |" in text
    assert "| FAISS | 0.12 |  |" in text


def test_writing_again_changes_nothing(page: Path) -> None:
    results = Results([RATE], [GROWTH], ["On two cores."])
    write(results, page)
    once = page.read_text()
    write(results, page)
    assert page.read_text() == once


def test_both_pictures_are_drawn_for_both_themes(page: Path) -> None:
    write(Results([RATE, SCAN, ALONE], [GROWTH]), page)
    for name in ("speed", "speed-growth"):
        light, dark = (Image.open(page.with_name(f"{name}{theme}.png")) for theme in ("", "-dark"))
        assert light.size == dark.size
        assert light.convert("L").getpixel((0, 0)) > 240
        assert dark.convert("L").getpixel((0, 0)) < 30


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "speed.md"
    page.write_text("# Speed\n")
    with pytest.raises(SystemExit, match="lacks the marks"):
        write(Results([RATE], [GROWTH]), page)
    assert page.read_text() == "# Speed\n"


def test_what_is_less_is_better_unless_it_is_a_rate() -> None:
    assert (RATE.times, SCAN.times, ALONE.times) == (12.0, 6.0, None)
    assert said(SCAN) == "scan: sketchseek 1.5, FAISS 9 ms; 6.0 x; recall@10 .999"
