"""What a run did, for people and for programs: `reports/last.json` and `.txt`, and the same for each generation.

A run that fails or is stopped leaves a report, too; one that is killed cannot.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from indexer.generation import now
from indexer.scan import Skipped
from indexer.times import Times

FOLDER = "reports"
LAST = "last"


@dataclass
class Report:
    """`skipped` lists every file that is no photo, also those known from earlier runs; `healed` says what was damaged
    in the index and made good; `spent` are seconds."""

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
        """Photos embedded a second, while it embedded."""
        spent = self.spent.get("photos", 0.0)
        return round(self.embedded / spent, 1) if self.embedded and spent else None

    def counts(self) -> str:
        """What it did in a line."""
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
        """As JSON can hold it."""
        skipped = [{"path": str(bad.path), "reason": bad.reason} for bad in self.skipped]
        spent = {part: round(seconds, 3) for part, seconds in self.spent.items()}
        return {**asdict(self), "rate": self.rate, "skipped": skipped, "spent": spent}


@contextmanager
def reporting(index: Path) -> Iterator[Report]:
    """The report of a run, written down however the run ends."""
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
        # Where the disk is full there are worse things to tell, and they were told.
        with suppress(OSError):
            _write(index / FOLDER, report)


def last_report(index: Path) -> dict[str, Any] | None:
    """That of the latest run; None where there is none, or half of one."""
    try:
        found = json.loads((index / FOLDER / f"{LAST}.json").read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def forget_reports(index: Path, kept: set[str]) -> None:
    """Removes the reports of generations that are no more."""
    for path in (index / FOLDER).glob("[0-9]*"):
        if path.suffix in (".json", ".txt") and path.stem not in kept:
            path.unlink()


def _write(folder: Path, report: Report) -> None:
    folder.mkdir(exist_ok=True)
    text = {".json": json.dumps(report.plain(), indent=1), ".txt": _told(report)}
    for name in (LAST, *([report.generation] if report.published else [])):
        for suffix, content in text.items():
            temporary = folder / f"{name}{suffix}.tmp"
            # ASCII in JSON; in the text a name that is no valid text is spelled out.
            temporary.write_text(content, encoding="utf-8", errors="backslashreplace")
            temporary.replace(folder / f"{name}{suffix}")


def _told(report: Report) -> str:
    what = f"part {report.partition}" if report.partition else f"generation {report.generation or 'none'}"
    state = "published" if report.published else "not published anew"
    rate = f", {report.rate} photos/s" if report.rate else ""
    spent = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in report.spent.items())
    lines = [
        f"run of {report.started}: {report.state} after {report.seconds:.1f} s",
        f"{report.counts()}; {report.embedded} embedded{rate}",
        f"{what} with {report.photos} photos" + ("" if report.partition else f", {state}"),
        f"time: {spent or 'none'}",
        *(f"healed: {what}" for what in report.healed),
        *(f"problem: {problem}" for problem in report.problems),
        *(f"skipped {json.dumps(str(bad.path))}: {bad.reason}" for bad in report.skipped),
    ]
    return "\n".join(lines) + "\n"
