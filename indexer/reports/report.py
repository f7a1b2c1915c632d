"""The report of a run, for people and for programs: `reports/last.json` and `.txt`, and the same for each generation.

A run that fails or is stopped also leaves a report; one that is killed cannot. The JSON stays small however many
files were skipped: if it does not list them all, `last.skipped.jsonl` does, and can be read in parts.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from itertools import islice
from pathlib import Path
from typing import Any

from indexer.folders.scan import Skipped
from indexer.reports.times import Times, now

FOLDER = "reports"
LAST = "last"
SKIPPED = f"{LAST}.skipped.jsonl"
# Limits on skipped files and problems in the JSON: entries, and characters of all entries.
MOST_LISTED, _LONGEST_LIST = 1000, 2**18
# Earlier versions listed everything; beyond this size, reading a report takes too much memory.
_LARGEST = 2**26


@dataclass
class Report:
    """What a run did.

    `skipped` lists every file that is not a photo, including those known from earlier runs; `healed` says what was
    damaged in the index and repaired; `spent` is in seconds.
    """

    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    embedded: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    healed: list[str] = field(default_factory=list)
    photos: int = 0
    generation: str = ""
    published: bool = False
    partition: str | None = None
    state: str = "running"
    started: str = field(default_factory=now)
    seconds: float = 0.0
    spent: Times = field(default_factory=Times)

    @property
    def rate(self) -> float | None:
        """Photos embedded per second of embedding."""
        spent = self.spent.get("photos", 0.0)
        return round(self.embedded / spent, 1) if self.embedded and spent else None

    def counts(self) -> str:
        """Summarise the run in one line."""
        numbers = {
            "added": self.added,
            "changed": self.changed,
            "moved": self.moved,
            "removed": self.removed,
            "unchanged": self.unchanged,
            "skipped": len(self.skipped),
        }
        return ", ".join(f"{number} {word}" for word, number in numbers.items() if number) or "nothing to do"

    def plain(self) -> dict[str, Any]:
        """Return the report for JSON: the first skipped files and problems, and their total numbers."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        problems = _first(self.problems)
        if more := len(self.problems) - len(problems):
            problems.append(f"and {more} more: see {FOLDER}/{LAST}.txt")
        return values | {
            "rate": self.rate,
            "skipped": _first(map(_entry, self.skipped)),
            "skipped_total": len(self.skipped),
            "problems": problems,
            "spent": {part: round(seconds, 3) for part, seconds in self.spent.items()},
        }


@contextmanager
def reporting(index: Path) -> Iterator[Report]:
    """Yield the report of a run, and write it however the run ends."""
    report, start = Report(), time.monotonic()
    try:
        yield report
        report.state = "done"
    except KeyboardInterrupt:
        report.state = "stopped"
        raise
    except Exception as error:
        report.state = "failed"
        report.problems.append(str(error))
        raise
    finally:
        report.seconds = round(time.monotonic() - start, 2)
        # If the disk is full, the error that ended the run matters more.
        with suppress(OSError):
            write(index, report)


def last_report(index: Path) -> dict[str, Any] | None:
    """Return the report of the latest run, or None if it is missing or truncated."""
    path = index / FOLDER / f"{LAST}.json"
    try:
        found = json.loads(path.read_bytes()) if path.stat().st_size <= _LARGEST else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def skipped_total(report: Mapping[str, Any]) -> int:
    """Return how many files a run skipped, whichever version wrote its report."""
    listed, total = report.get("skipped"), report.get("skipped_total")
    if isinstance(total, int):
        return total
    return len(listed) if isinstance(listed, list) else 0


def skipped_files(index: Path, report: Mapping[str, Any], offset: int, most: int) -> list[Any]:
    """Return a slice of the files that the latest run skipped, without loading the others."""
    found = report.get("skipped")
    listed = found if isinstance(found, list) else []
    if offset + most <= len(listed) or skipped_total(report) <= len(listed):
        return listed[offset : offset + most]
    try:
        with (index / FOLDER / SKIPPED).open("rb") as lines:
            if json.loads(next(lines, b"null")) == {"started": report.get("started")}:
                return [json.loads(line) for line in islice(lines, offset, offset + most)]
    except (OSError, ValueError, RecursionError):
        pass
    # Missing, or of another run that is being written right now.
    return listed[offset : offset + most]


def forget_reports(index: Path, kept: set[str]) -> None:
    """Remove the reports of generations that no longer exist."""
    for path in (index / FOLDER).glob("[0-9]*"):
        if path.suffix in (".json", ".txt") and path.stem not in kept:
            path.unlink()


def _entry(bad: Skipped) -> dict[str, str]:
    return {"path": str(bad.path), "reason": bad.reason}


def _first(entries: Iterable[Any]) -> list[Any]:
    """Return as many entries as fit the limits of the JSON."""
    found, letters = [], 0
    for entry in islice(entries, MOST_LISTED):
        letters += len(json.dumps(entry))
        if letters > _LONGEST_LIST:
            break
        found.append(entry)
    return found


def write(index: Path, report: Report) -> None:
    """Make this the report of the latest run."""
    folder = index / FOLDER
    folder.mkdir(exist_ok=True)
    plain = report.plain()
    if len(plain["skipped"]) < len(report.skipped):
        lines = ({"started": report.started}, *map(_entry, report.skipped))
        _put(folder / SKIPPED, (f"{json.dumps(line)}\n" for line in lines))
    else:
        (folder / SKIPPED).unlink(missing_ok=True)
    for name in (LAST, *([report.generation] if report.published else [])):
        _put(folder / f"{name}.json", [json.dumps(plain, indent=1)])
        _put(folder / f"{name}.txt", _text(report))


def _put(path: Path, lines: Iterable[str]) -> None:
    temporary = path.with_name(f"{path.name}.tmp")
    # JSON is ASCII; in the text, bytes that are not valid text are escaped.
    with temporary.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(lines)
    temporary.replace(path)


def _text(report: Report) -> Iterator[str]:
    return (f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    what = f"part {report.partition}" if report.partition else f"generation {report.generation or 'none'}"
    state = "published" if report.published else "not published again"
    rate = f", {report.rate} photos/s" if report.rate else ""
    spent = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in report.spent.items())
    yield f"run of {report.started}: {report.state} after {report.seconds:.1f} s"
    yield f"{report.counts()}; {report.embedded} embedded{rate}"
    yield f"{what} with {report.photos} photos" + ("" if report.partition else f", {state}")
    yield f"time: {spent or 'none'}"
    yield from (f"healed: {line}" for line in report.healed)
    yield from (f"problem: {problem}" for problem in report.problems)
    yield from (f"skipped {json.dumps(str(bad.path))}: {bad.reason}" for bad in report.skipped)
