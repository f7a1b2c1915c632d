"""Progress on a terminal: it fits, and no word is cut."""

import io
import json
import os
import re
import shutil

import pytest

from indexer.reports.progress import Bar, JsonLines, Progress
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


def test_a_note_is_told_where_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress(100, 50, spent=Times(), note="3 of 6 parts done, 2 running")
    shown = io.StringIO()
    for columns in (120, 40):
        monkeypatch.setattr(
            shutil, "get_terminal_size", lambda columns=columns: os.terminal_size((columns, 24))
        )
        Bar(shown)._report(progress)
    wide, narrow = (line.rstrip() for line in shown.getvalue().split("\r")[1:])
    assert wide.endswith(", 3 of 6 parts done, 2 running")
    assert "parts" not in narrow
    assert narrow.startswith("50/100 photos")
    told = io.StringIO()
    lines = JsonLines(told)
    lines._report(progress)
    lines._report(Progress(100, 50))
    with_note, without = map(json.loads, told.getvalue().splitlines())
    assert with_note["note"] == "3 of 6 parts done, 2 running"
    assert "note" not in without


def test_work_that_is_lost_gives_no_rate_below_nothing() -> None:
    progress = Progress(100, 50)
    assert progress.rate >= 0
    progress.done = 20
    assert progress.rate >= 0
    assert progress.left is None or progress.left >= 0
