"""What a run has to do: each photo folder scanned, compared with the catalogue, and not believed where it lost much.

Losses are judged twice by one measure (`indexer.folders.losses`): here, before any work; and by the job once it
knows which files moved, and which are no pictures any more.
"""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from indexer.catalogue.database import Catalogue
from indexer.catalogue.records import Known, Root
from indexer.errors import PhotosMissing
from indexer.folders.losses import ACCEPT, too_many
from indexer.folders.partition import Partition
from indexer.folders.patterns import validated
from indexer.folders.scan import Found, Scan, ScanRules, Skipped, scan


@dataclass(frozen=True)
class RulesChange:
    """What a run says of how to scan its folders; None leaves what earlier runs said."""

    include: Sequence[str] | None = None
    exclude: Sequence[str] | None = None
    hidden: bool | None = None
    follow_links: bool | None = None

    def apply(self, rules: ScanRules) -> ScanRules:
        return ScanRules(
            rules.include if self.include is None else validated(self.include),
            rules.exclude if self.exclude is None else validated(self.exclude),
            rules.hidden if self.hidden is None else self.hidden,
            rules.follow_links if self.follow_links is None else self.follow_links,
        )


@dataclass(frozen=True)
class Plan:
    """What one root asks for.

    `losses` are those of `gone` that were photos and would be looked at if they were there. `memory` is what to
    remember of the root once its losses are believed. `deleted`: there is no such folder, which is accepted. `times`:
    when files changed that are as they were, with their ids, where an older version did not take it down.
    """

    root: Path
    work: list[Found]
    known: dict[str, Known]
    gone: list[int]
    losses: frozenset[int]
    memory: Root
    moved_device: bool
    deleted: bool
    times: list[tuple[int, int]]

    @property
    def photos(self) -> int:
        """How many of its files could be used when they were last read."""
        return sum(photo.error is None for photo in self.known.values())

    def kept(self) -> "Plan":
        """The same without its losses."""
        return replace(self, gone=[])


@dataclass
class Plans:
    """What all roots ask for, and what is wrong with them."""

    roots: list[Plan] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def work(self) -> list[Found]:
        return [found for plan in self.roots for found in plan.work]

    @property
    def gone(self) -> list[int]:
        return [number for plan in self.roots for number in plan.gone]

    def was_good(self, found: Found) -> bool:
        """Whether a file was a photo when it was last read."""
        known = next((plan.known for plan in self.roots if plan.root == found.root), {})
        return (seen := known.get(found.relative)) is not None and seen.error is None


@dataclass(frozen=True)
class _Candidate:
    """A root that was scanned, and not judged yet."""

    scanned: Scan
    known: dict[str, Known]
    before: Root
    rules: ScanRules
    missing: list[str]
    empty: bool
    deleted: bool

    @property
    def moved_device(self) -> bool:
        return self.before.device not in (None, self.scanned.device)


def make_plans(
    catalogue: Catalogue,
    roots: Sequence[Path],
    fingerprint: str,
    *,
    index: Path,
    change: RulesChange,
    accept_deletions: bool,
    again: Set[int] = frozenset(),
    part: Partition | None = None,
) -> Plans:
    """Scans the folders and remembers how; raises PhotosMissing when not one of them can be used.

    Photos with an id in `again` are worked on although nothing about them has changed. Of what lies there, only a
    `part` is planned for, if one is given.
    """
    plans = Plans()
    candidates = []
    every_root = list({*roots, *catalogue.roots()})
    for root in roots:
        known, before = catalogue.known(root, fingerprint), catalogue.root(root)
        rules = change.apply(before.rules)
        try:
            deleted = bool(known) and accept_deletions and not root.exists()
            scanned = Scan(root) if deleted else scan(root, rules, leave_out=index, roots=every_root)
            if not (scanned.found or scanned.skipped or known):
                raise PhotosMissing(f"{root}: no photos in it; give the folder that the photos are in")
        except PhotosMissing as error:
            plans.problems.append(str(error))
            continue
        empty = not scanned.found
        if part is not None:
            scanned.keep(part)
        if not accept_deletions:
            plans.problems += _hold_lost_mounts(scanned, known, before, rules)
        missing = _missing(scanned, known)
        candidates.append(_Candidate(scanned, known, before, rules, missing, empty, deleted))
    for candidate in candidates if accept_deletions else _believed(candidates, plans):
        plan = _plan(candidate, again)
        _remember(catalogue, candidate, plan)
        plans.skipped += candidate.scanned.skipped
        plans.roots.append(plan)
    if not plans.roots:
        raise PhotosMissing("; ".join(plans.problems))
    return plans


def _missing(scanned: Scan, known: dict[str, Known]) -> list[str]:
    there = {found.relative for found in scanned.found}
    return [path for path in known if path not in there and not scanned.may_hold(path)]


def _believed(candidates: list[_Candidate], plans: Plans) -> list[_Candidate]:
    """Those that have not lost too much. What arrived in a folder that is refused did not arrive."""
    while True:
        arrived, passed = _arrived(candidates), []
        for candidate in candidates:
            try:
                _guard(candidate, arrived)
            except PhotosMissing as error:
                plans.problems.append(str(error))
            else:
                passed.append(candidate)
        if len(passed) == len(candidates):
            return passed
        candidates = passed


def _arrived(candidates: Sequence[_Candidate]) -> Counter[tuple[int, int]]:
    """Sizes and times of files at new paths: a photo that is gone and came up here has most likely moved."""
    return Counter(
        (found.size, found.mtime_ns)
        for candidate in candidates
        for found in candidate.scanned.found
        if found.relative not in candidate.known
    )


def _remember(catalogue: Catalogue, candidate: _Candidate, plan: Plan) -> None:
    """How it was scanned; where it lies, only once its losses are believed. A run that dies is no proof of anything."""
    before = candidate.before
    mounts = tuple(dict.fromkeys([*before.mounts, *plan.memory.mounts]))
    device = plan.memory.device if before.device is None else before.device
    catalogue.remember_root(plan.root, replace(plan.memory, device=device, mounts=mounts))


def _plan(candidate: _Candidate, again: Set[int]) -> Plan:
    scanned, known, rules = candidate.scanned, candidate.known, candidate.rules
    mounts = [*scanned.mounts, *(path for path in candidate.before.mounts if path in scanned.unreadable)]
    work = [
        found
        for found in scanned.found
        if (seen := known.get(found.relative)) is None or seen.id in again or not seen.unchanged(found)
    ]
    lost = (known[path] for path in candidate.missing if not rules.leave_out(path))
    times = [
        (found.ctime_ns, seen.id)
        for found in scanned.found
        if found.ctime_ns is not None and (seen := known.get(found.relative)) and seen.ctime_ns is None
        if seen.unchanged(found)
    ]
    return Plan(
        root=scanned.root,
        work=work,
        known=known,
        gone=[known[path].id for path in candidate.missing],
        losses=frozenset(photo.id for photo in lost if photo.error is None),
        memory=Root(rules, scanned.device, tuple(mounts)),
        moved_device=candidate.moved_device,
        deleted=candidate.deleted,
        times=times,
    )


def _hold_lost_mounts(scanned: Scan, known: dict[str, Known], before: Root, rules: ScanRules) -> list[str]:
    """Keeps the photos below folders where a drive was mounted, and is not now; says which."""
    problems = []
    there = {found.relative for found in scanned.found}
    for mount in sorted(set(before.mounts) - set(scanned.mounts)):
        below = (path for path in known if path.startswith(f"{mount}/") and path not in there)
        held = sum(not rules.leave_out(path) for path in below)
        if held:
            scanned.unreadable.append(mount)
            problems.append(
                f"{scanned.root / mount}: a drive was mounted here, and is not now; "
                f"its {held} photos are kept. {ACCEPT}"
            )
    return problems


def _guard(candidate: _Candidate, arrived: Counter[tuple[int, int]]) -> None:
    """Raises PhotosMissing where so much is gone that its owner would hardly have deleted it."""
    scanned, known = candidate.scanned, candidate.known
    photos = sum(photo.error is None for photo in known.values())
    lost = 0
    for path in candidate.missing:
        photo, mark = known[path], (known[path].size, known[path].mtime_ns)
        if photo.error is not None or candidate.rules.leave_out(path):
            continue
        if arrived[mark]:
            arrived[mark] -= 1
        else:
            lost += 1
    if not lost:
        return
    moved_device = candidate.moved_device
    if candidate.empty:
        what = f"empty now, but {photos} photos were indexed from it; is its drive mounted?"
    elif too_many(lost, photos, moved_device=moved_device):
        where = ", and it is on another device than before" if moved_device else ""
        what = f"{lost} of its {photos} photos are gone ({lost / photos:.0%}){where}; is its drive mounted?"
    else:
        return
    raise PhotosMissing(f"{scanned.root}: {what} Nothing was taken out. {ACCEPT}")


@dataclass(frozen=True)
class Counts:
    """How many photos were what."""

    added: int
    changed: int
    moved: int
    removed: int
    unchanged: int


def count(plans: Plans, moved: set[int], not_taken: set[Path]) -> Counts:
    """`not_taken`: the files that could not be used, or not be read, in this run."""
    added = changed = unchanged = 0
    for plan in plans.roots:
        touched = set(plan.gone)
        for found in plan.work:
            seen = plan.known.get(found.relative)
            taken = found.path not in not_taken
            if seen is None:
                added += taken
            elif not taken or seen.error is not None or not seen.same_file(found):
                changed += taken
                touched.add(seen.id)
        unchanged += sum(photo.error is None and photo.id not in touched for photo in plan.known.values())
    usable = {photo.id for plan in plans.roots for photo in plan.known.values() if photo.error is None}
    removed = len((usable & set(plans.gone)) - moved)
    return Counts(added - len(moved), changed, len(moved), removed, unchanged)
