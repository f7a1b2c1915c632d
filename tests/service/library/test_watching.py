"""Runs that nobody asked for: started by changes, put off when in somebody's way, and only where an admin is alone."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from indexer.jobs.contents import look
from model import SKETCH_CAPS, Encoder
from service.library import intent
from service.library.intent import Intent
from service.library.keeper import Keeper
from service.library.reindex import Asked, Reindex
from service.library.watching import Pace, Watcher, below, put_off
from service.ops.reports import Reports
from service.search.gallery import Gallery
from service.settings import Settings
from tests.kit.shapes import picture


class Noting(Reindex):
    """Notes what it is to do, and is done at once."""

    def __init__(self) -> None:
        super().__init__(Settings(), cast(Any, None))
        self.asked: list[Asked] = []

    async def start(self, asked: Asked | None = None) -> None:
        self.asked.append(asked or Asked())


@pytest.fixture
def keeper(index: Path, encoder: Encoder) -> Iterator[Keeper]:
    gallery = Gallery(index, encoder, SKETCH_CAPS)
    yield Keeper(gallery, Noting(), Reports(index), Settings(index=index))
    gallery.published.close()


def _check(watcher: Watcher, keeper: Keeper) -> tuple[bool, list[Asked]]:
    job = cast(Noting, keeper.job)
    job.asked.clear()
    return asyncio.run(watcher.check()), list(job.asked)


def test_a_change_starts_one_run_in_the_background(keeper: Keeper, library: Path) -> None:
    watcher = Watcher(keeper, busy=lambda: None)
    assert _check(watcher, keeper) == (True, []), "nothing has changed"
    picture("star", 77).save(library / "new.png")
    assert _check(watcher, keeper) == (True, [Asked(background=True)])
    assert _check(watcher, keeper) == (True, []), "what a run could not do, it need not try again"
    (library / "new.png").unlink()
    min(path for path in library.rglob("*") if path.is_file()).unlink()
    assert _check(watcher, keeper)[1]


def test_a_folder_that_vanished_is_left_alone(keeper: Keeper, library: Path) -> None:
    shutil.move(library, library.with_name("elsewhere"))
    assert _check(Watcher(keeper, busy=lambda: None), keeper) == (True, [])


def test_it_is_put_off_and_not_dropped(keeper: Keeper, library: Path) -> None:
    reasons: list[str | None] = ["the battery is at 12 %", None]
    watcher = Watcher(keeper, busy=lambda: reasons.pop(0))
    picture("star", 77).save(library / "new.png")
    assert _check(watcher, keeper) == (False, [])
    assert _check(watcher, keeper) == (True, [Asked(background=True)])


def test_a_pause_holds(keeper: Keeper, library: Path) -> None:
    picture("star", 77).save(library / "new.png")
    asyncio.run(keeper.pause())
    assert _check(Watcher(keeper, busy=lambda: None), keeper) == (True, [])


def test_what_was_asked_for_and_never_done_is_taken_up_ever_more_rarely(
    keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run was killed before it recorded its folder."""
    more = tmp_path / "more"
    more.mkdir()
    intent.write(keeper.index, Intent(add=(str(more),)))
    lost = Keeper(keeper.gallery, Noting(), keeper.reports, Settings(index=keeper.index))
    now = 1000.0
    monkeypatch.setattr("service.library.watching.time", SimpleNamespace(monotonic=lambda: now))
    watcher = Watcher(lost, Pace(later=60.0), busy=lambda: None)
    assert _check(watcher, lost) == (False, []), "whoever looks now sees that it failed"
    begun = []
    for minute in range(8):
        now = 1000.0 + 60 * minute
        begun += [minute for asked in _check(watcher, lost)[1] if more in asked.add]
    assert begun == [1, 3, 7]


def test_a_folder_that_no_run_has_added_can_be_added_again(keeper: Keeper, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    intent.write(keeper.index, Intent(add=(str(more),)))
    lost = Keeper(keeper.gallery, Noting(), keeper.reports, Settings(index=keeper.index))
    asyncio.run(lost.add(str(more)))
    assert more in cast(Noting, lost.job).asked[0].add


def test_a_run_that_is_still_winding_down_elsewhere_is_waited_for(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service was killed and has started again before its child noticed."""
    monkeypatch.setattr("service.library.keeper._AGAIN_SECONDS", 0.01)
    intent.write(keeper.index, Intent(running=True))
    again = Keeper(keeper.gallery, Noting(), keeper.reports, Settings(index=keeper.index))

    async def restarted() -> tuple[int, int]:
        with monkeypatch.context() as patch:
            patch.setattr("service.library.keeper.is_running", lambda _: True)
            await again.begin()
            await asyncio.sleep(0.05)
            before = len(cast(Noting, again.job).asked)
        while not cast(Noting, again.job).asked:
            await asyncio.sleep(0.01)
        return before, len(cast(Noting, again.job).asked)

    assert asyncio.run(restarted()) == (0, 1)


def test_only_what_a_run_looks_into_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link may lead to the whole disk."""
    for name in ("photos/2019/sea", "photos/.hidden/deep", "elsewhere/deep"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "photos" / "link").symlink_to(tmp_path / "elsewhere")
    photos = tmp_path / "photos"
    assert below([photos]) == [photos, photos / "2019", photos / "2019" / "sea"]
    monkeypatch.setattr("service.library.watching._MOST_WATCHED", 2)
    assert below([photos]) == [photos, photos / "2019"]


def test_battery_and_load_put_work_off(tmp_path: Path) -> None:
    battery = tmp_path / "BAT0"
    battery.mkdir()
    for name, text in (("type", "Battery\n"), ("status", "Discharging\n"), ("capacity", "29\n")):
        (battery / name).write_text(text)
    assert put_off(tmp_path, lambda: (0.0, 0.0, 0.0)) == "the battery is at 29 %"
    (battery / "capacity").write_text("30\n")
    assert put_off(tmp_path, lambda: (0.0, 0.0, 0.0)) is None
    (battery / "capacity").write_text("5\n")
    (battery / "status").write_text("Charging\n")
    assert put_off(tmp_path, lambda: (0.0, 0.0, 0.0)) is None
    assert put_off(tmp_path / "none", lambda: (10_000.0, 0.0, 0.0)) == "the machine is busy"


def test_only_where_nobody_else_can_connect_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKETCHSEEK_WATCH")
    assert Settings().watching is True
    assert Settings(watch=False).watching is False
    assert Settings(host="0.0.0.0").watching is False
    assert Settings(allowed_hosts="photos.example.org").watching is False
    assert Settings(host="0.0.0.0", watch=True).watching is True


def test_looking_compares_names_sizes_and_times(index: Path, library: Path) -> None:
    before = look(index)
    assert not before.stale
    (library / "notes.txt").write_text("no photo")
    assert look(index) == before
    picture("star", 77).save(library / "new.png")
    after = look(index)
    assert after.stale
    assert after.mark != before.mark


def test_it_notices_by_itself(keeper: Keeper, library: Path) -> None:
    """By events where watchfiles is installed, by looking where it is not."""
    job = cast(Noting, keeper.job)

    async def go() -> None:
        watching = asyncio.create_task(
            Watcher(keeper, Pace(quiet=0.0, blind=0.05, later=0.05, again=60.0), lambda: None).run()
        )
        await asyncio.sleep(0.5)
        assert not job.asked
        picture("star", 77).save(library / "new.png")
        async with asyncio.timeout(60):
            while not job.asked:
                await asyncio.sleep(0.02)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(go())
    assert job.asked == [Asked(background=True)]


def test_it_begins_with_the_first_folder(tmp_path: Path, encoder: Encoder) -> None:
    """Without folders it waits for long, but not once there are some."""
    gallery = Gallery(tmp_path / "new", encoder, SKETCH_CAPS)
    keeper = Keeper(gallery, Noting(), Reports(tmp_path / "new"), Settings(index=tmp_path / "new"))
    looked: list[bool] = []

    class Looking(Watcher):
        async def check(self) -> bool:
            looked.append(True)
            return True

    async def go() -> None:
        watching = asyncio.create_task(Looking(keeper, Pace(quiet=0.0, again=3600.0)).run())
        async with asyncio.timeout(60):
            while len(looked) < 1:
                await asyncio.sleep(0.02)
            await keeper.pause()
            while len(looked) < 2:
                await asyncio.sleep(0.02)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(go())
