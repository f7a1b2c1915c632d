"""Progress on a terminal: it fits, and no word is cut."""

import io
import os
import re
import shutil

import pytest

from indexer.reports.progress import Bar, Progress
from indexer.reports.times import Times


def long() -> Progress:
    """Of a run that has just begun: the rate, and with it the time left, is that of the last half minute."""
    return Progress(123_456, 98_765, 1_234, Times(decode=900.0, encode=90.0, write=10.0))


WORD = re.compile(
    r"(\[[#-]{20}\])?( ?[0-9]+/[0-9]+ photos(,|$))?( [0-9]+/s(,|$))?( [0-9:]+ left(,|$))?"
    r"( decode [0-9]+% encode [0-9]+% write [0-9]+%(,|$))?( [0-9]+ skipped)?( ?[0-9]+%)?"
)


@pytest.mark.parametrize("columns", range(1, 160))
def test_a_line_fits_any_terminal_and_ends_with_a_word(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))
    monkeypatch.setattr(Bar, "every", 0.0)
    shown = io.StringIO()
    bar = Bar(shown)
    bar.begin(long())
    bar.advance(long())
    lines = shown.getvalue().split("\r")[1:]
    assert all(len(line) < max(columns, 2) for line in lines)
    assert WORD.fullmatch(lines[-1].rstrip()), lines[-1]
    bar.step("indexing", 1, 3)
    bar.step("indexing", 2, 3)
    step = shown.getvalue().split("\r")[-1]
    assert len(step) < max(columns, 2)
    assert re.fullmatch(r"(\[[#-]{20}\] )?(indexing )?(2/3 \()?(67%)?\)?", step.rstrip()), step


def test_80_columns_show_what_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((80, 24)))
    monkeypatch.setattr(Bar, "every", 0.0)
    shown = io.StringIO()
    Bar(shown).advance(long())
    for part in ("98765/123456 photos", "/s", " left", "1234 skipped"):
        assert part in shown.getvalue()
