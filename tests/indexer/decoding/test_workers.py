"""Decoder processes: a bad file affects only its own decoder, and no process is left behind."""

import io
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from indexer import IndexProblem
from indexer.decoding.budget import Budget
from indexer.decoding.workers import Read, Workers
from model import BadImage, Encoder, Unreadable
from model.pictures.preprocessing import Preprocessing
from tests.kit import TOP
from tests.kit.jobs import Job
from tests.kit.kills import decoders
from tests.kit.pictures import encoded, jpeg, photo
from tests.kit.waiting import until

# Every new Python imports this from its path: files whose comment says so break their decoder.
_SABOTAGE = """
import os, signal, sys, time
from PIL import Image
whole = Image.open
def sabotaged(file, *args, **options):
    data = file.getvalue()
    if b"SEGFAULT" in data:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"MEMORY" in data:
        os.kill(os.getpid(), signal.SIGKILL)
    if b"SLOW" in data:
        time.sleep(60)
    return whole(file, *args, **options)
if "indexer.decoding.process" in sys.orig_argv:
    Image.open = sabotaged
"""


@pytest.fixture
def sabotage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "sabotage"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_SABOTAGE)
    monkeypatch.syspath_prepend(folder)
    return folder


Make = Callable[..., Workers]


@pytest.fixture
def job(tmp_path: Path, encoder: Encoder) -> Job:
    """With its decoder processes."""
    return Job(tmp_path / "index", encoder)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Workers] = []

    def start(seconds: float = 30.0) -> Workers:
        made.append(Workers(224, tmp_path / "thumbnails", seconds))
        return made[-1]

    yield start
    for workers in made:
        workers.close()


def test_a_photo_comes_back_as_the_model_wants_it(make: Make, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded(photo(600, 400), "JPEG"))
    workers = make()
    read = workers.read(tmp_path, "a.jpg")
    assert (read.bytes, read.pixels) == ((tmp_path / "a.jpg").stat().st_size, 240_000)
    picture = workers.decode(read)
    assert (picture.size, picture.pixels.shape) == ((600, 400), (224, 224, 3))
    assert len(list((tmp_path / "thumbnails").rglob("*.webp"))) == 1


def test_a_photo_is_prepared_as_the_models_card_says(tmp_path: Path) -> None:
    image = Image.new("RGB", (600, 200), "blue")
    image.paste("red", (200, 0, 400, 200))
    (tmp_path / "a.png").write_bytes(encoded(image, "PNG"))
    workers = Workers(64, tmp_path / "thumbnails", how=Preprocessing(photo="shortest"))
    try:
        pixels = workers.decode(workers.read(tmp_path, "a.png")).pixels
    finally:
        workers.close()
    assert (pixels[:, 2:-2] == (255, 0, 0)).all()


def test_a_file_may_be_dropped_after_reading(make: Make, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(60, 40))
    workers = make()
    first = workers.read(tmp_path, "a.jpg")
    workers.drop()
    assert workers.read(tmp_path, "a.jpg") == first
    assert workers.decode(first).size == (60, 40)


@pytest.mark.usefixtures("sabotage")
def test_a_crash_costs_one_file_and_the_run_goes_on(job: Job, library: Path) -> None:
    for name in ("SEGFAULT", "MEMORY"):
        for number in range(3):
            (library / f"{name} {number}.jpg").write_bytes(encoded(photo(), "JPEG", comment=name))
    report = job(library)
    assert report.photos == 15
    reasons = {bad.path.name: bad.reason for bad in report.skipped}
    assert reasons.keys() == {
        f"{name} {number}.jpg" for name in ("SEGFAULT", "MEMORY") for number in range(3)
    }
    assert reasons["SEGFAULT 0.jpg"] == "it crashes the decoder (SIGSEGV); export it again"
    assert "memory ran out" in reasons["MEMORY 0.jpg"]


@pytest.mark.usefixtures("sabotage")
def test_a_crash_is_remembered_but_lack_of_memory_is_not(
    job: Job, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SEGFAULT", "MEMORY"):
        (library / f"{name}.jpg").write_bytes(encoded(photo(), "JPEG", comment=name))
    job(library)
    sys.path.remove(next(place for place in sys.path if place.endswith("sabotage")))
    report = job(library)
    assert (report.added, [bad.path.name for bad in report.skipped]) == (1, ["SEGFAULT.jpg"])


@pytest.mark.usefixtures("sabotage")
def test_a_file_that_takes_too_long_is_given_up(make: Make, tmp_path: Path) -> None:
    (tmp_path / "slow.jpg").write_bytes(encoded(photo(), "JPEG", comment="SLOW"))
    (tmp_path / "good.jpg").write_bytes(jpeg())
    workers = make(seconds=2)
    with pytest.raises(BadImage, match="cannot be decoded within 2 s"):
        workers.decode(workers.read(tmp_path, "slow.jpg"))
    assert workers.decode(workers.read(tmp_path, "good.jpg")).size


def many_scans(times: int) -> bytes:
    """A progressive JPEG whose last scan is repeated: a few hundred kilobytes that take minutes to decode."""
    data = encoded(Image.new("L", (6000, 6000), 90), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * times + data[-2:]


def test_a_jpeg_of_thousands_of_scans_is_given_up(make: Make, tmp_path: Path) -> None:
    (tmp_path / "scans.jpg").write_bytes(many_scans(5000))
    workers = make(seconds=1)
    with pytest.raises(BadImage, match="more than 25 scans"):
        workers.decode(workers.read(tmp_path, "scans.jpg"))


@pytest.mark.slow
def test_a_container_that_lies_about_its_size_is_not_decoded_whole(make: Make, tmp_path: Path) -> None:
    """An AVIF that claims 64 x 64 and contains 144 megapixels: refused within the memory of a small picture."""
    side = 12_000
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (90, 200, 10)).save(buffer, "AVIF", speed=10, quality=10)
    data = bytearray(buffer.getvalue())
    at = data.index(b"ispe") + 8
    assert struct.unpack_from(">II", data, at) == (side, side)
    struct.pack_into(">II", data, at, 64, 64)
    (tmp_path / "lie.avif").write_bytes(data)
    workers = make()
    read = workers.read(tmp_path, "lie.avif")
    with pytest.raises(BadImage):
        workers.decode(read)
    peaks = [int(line.split()[1]) for line in _status(max(decoders(os.getpid()))) if line.startswith("VmHWM")]
    assert peaks[0] < 200_000
    (tmp_path / "good.avif").write_bytes(encoded(photo(), "AVIF"))
    assert workers.decode(workers.read(tmp_path, "good.avif")).size == (640, 480)


def _status(process: int) -> list[str]:
    return Path(f"/proc/{process}/status").read_text().splitlines()


def test_files_that_cannot_be_read_now(make: Make, tmp_path: Path) -> None:
    workers = make()
    with pytest.raises(Unreadable, match="No such file"):
        workers.read(tmp_path, "gone.jpg")
    (tmp_path / "huge.jpg").touch()
    os.truncate(tmp_path / "huge.jpg", 300 * 2**20)
    with pytest.raises(BadImage, match="300 MiB large; the limit is 256"):
        workers.read(tmp_path, "huge.jpg")
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(BadImage, match="starts with text"):
        workers.decode(workers.read(tmp_path, "text.jpg"))


def test_raw_files_without_the_library_are_not_even_read(make: Make, sabotage: Path, tmp_path: Path) -> None:
    (sabotage / "sitecustomize.py").write_text("import sys; sys.modules['rawpy'] = None")
    (tmp_path / "a.nef").write_bytes(jpeg())
    with pytest.raises(Unreadable, match=r"pip install 'sketchseek\[raw\]'"):
        make().read(tmp_path, "a.nef")


def test_a_full_disk_is_no_fault_of_the_photo(make: Make, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    (tmp_path / "thumbnails").write_text("a file where a folder should be")
    workers = make()
    with pytest.raises(OSError, match=r"exists|Not a directory"):
        workers.decode(workers.read(tmp_path, "a.jpg"))


def test_a_process_that_died_between_two_files_is_replaced(make: Make, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    workers = make()
    workers.read(tmp_path, "a.jpg")
    (mine,) = decoders(os.getpid())
    os.kill(mine, signal.SIGKILL)
    until(lambda: b"State:\tZ" in Path(f"/proc/{mine}/status").read_bytes())
    assert workers.decode(workers.read(tmp_path, "a.jpg")).size


def test_a_process_that_does_not_start_is_said_once(make: Make, sabotage: Path, tmp_path: Path) -> None:
    (sabotage / "sitecustomize.py").write_text("")
    (sabotage / "indexer").mkdir()
    (sabotage / "indexer" / "__init__.py").write_text("raise ImportError('a library is missing')")
    with pytest.raises(IndexProblem, match=r"does not start.*a library is missing"):
        make().read(tmp_path, "a.jpg")


def test_no_process_outlives_closing(make: Make, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    workers = make()
    workers.read(tmp_path, "a.jpg")
    assert len(decoders(os.getpid())) == 1
    workers.close()
    assert decoders(os.getpid()) == set()
    with pytest.raises(Unreadable, match="stopped"):
        workers.read(tmp_path, "a.jpg")


def test_large_photos_wait_for_one_another() -> None:
    budget, under_way, most = Budget(100), [0], [0]

    def decode(pixels: int) -> None:
        with budget.share(pixels):
            under_way[0] += pixels
            most[0] = max(most[0], under_way[0])
            time.sleep(0.01)
            under_way[0] -= pixels

    threads = [threading.Thread(target=decode, args=(pixels,)) for pixels in (60, 30, 60, 100, 10, 100) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 60 <= most[0] <= 100


def test_one_photo_beyond_the_budget_goes_alone() -> None:
    budget = Budget(100)
    with budget.share(500):
        pass
    with budget.share(0), budget.share(100):
        pass
    assert Read("content", 1, 2, 2, 3).pixels == 3


def test_workers_import_neither_engine(make: Make) -> None:
    script = (
        "import sys, indexer.decoding.process; "
        "print(sorted({'openvino', 'torch', 'fastapi', 'faiss'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
