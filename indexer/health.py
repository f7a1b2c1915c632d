"""What is wrong around an index, in plain words: photo folders that are missing, and a last run that failed or died.

Damage to the index itself is not looked for here: `indexer.jobs.status` and an open `Library` find that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from indexer.folders.reach import Reach
from indexer.locking.lock import was_abandoned

Health = Literal["ok", "warning", "failed"]
_AGAIN = "run sketchseek index again"
_FIX = f"fix this and {_AGAIN}"


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong: `what` names the thing, `kind` does not, so that strangers may read it.

    `grave`: photos that are new or changed do not get into the index.
    """

    kind: str
    what: str
    advice: str = ""
    grave: bool = False

    def __str__(self) -> str:
        return f"{self.what}; {self.advice}" if self.advice else self.what


def health(troubles: Iterable[Trouble]) -> Health:
    """The worst of them in one word."""
    found = [trouble.grave for trouble in troubles]
    return "failed" if any(found) else "warning" if found else "ok"


@dataclass(frozen=True)
class Checked:
    """The state of a library, wherever it is kept, with everything that is wrong."""

    troubles: tuple[Trouble, ...]

    @property
    def health(self) -> Health:
        return health(self.troubles)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong and what to do about it, one line each."""
        return tuple(map(str, self.troubles))

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        values = asdict(self)
        del values["troubles"]
        return values | {"health": self.health, "problems": list(self.problems)}


def held_back(held: str) -> Trouble:
    """An earlier generation stays, for the reason that `held` names."""
    what = f"{held}: nothing newer is published until sketchseek rollback --release"
    return Trouble("an earlier generation is held", what)


def troubles(
    index: Path,
    roots: Iterable[Path],
    report: Mapping[str, Any] | None,
    *,
    running: bool,
    reach: Reach,
    seconds: float,
) -> list[Trouble]:
    """Everything that is wrong with the photo folders and the last run; waits for slow drives this long at most.

    `report` is that of the last run. While a new one is `running`, what the last one left undone does not count.
    """
    out_of_reach = reach.problems(roots, seconds)
    found = [_unreachable(root, problem) for root, problem in out_of_reach.items()]
    if not running:
        found += _last_run(index, report or {}, list(out_of_reach))
    return found


def _unreachable(root: Path, problem: str) -> Trouble:
    return Trouble(
        f"a photo folder {problem}",
        f"{root}: the photo folder {problem}",
        f"connect its drive or put it back, then {_AGAIN}; if it is gone for good, run sketchseek index --forget "
        "with that folder",
    )


def _last_run(index: Path, report: Mapping[str, Any], unreachable: list[Path]) -> list[Trouble]:
    if was_abandoned(index):
        died = "the last run was killed, or the machine went down, before it finished"
        again = f"{_AGAIN}, with the same options: it continues where that one stopped"
        return [Trouble(died, died, again, grave=True)]
    failed, listed = report.get("state") == "failed", report.get("problems")
    problems = [str(problem) for problem in listed] if isinstance(listed, list) else []
    if not failed:
        # A folder that is missing now has been named; the run left it as it was for that reason.
        problems = [text for text in problems if not any(text.startswith(f"{root}:") for root in unreachable)]
    if not failed and not problems:
        return []
    kind = "the last run failed" if failed else "the last run left something out"
    more = f" (and {len(problems) - 1} more, see reports/last.txt)" if len(problems) > 1 else ""
    first = problems[0] if problems else "it gave no reason"
    advice = "" if "again" in first or "add --" in first else _FIX
    return [Trouble(kind, f"{kind}: {first}{more}", advice, grave=failed)]
