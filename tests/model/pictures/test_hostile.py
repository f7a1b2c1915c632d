"""Pictures that take far more than they show: refused by what they say of themselves, or bounded in what they get."""

import contextlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageFile

from model import SKETCH_CAPS, BadImage, decode
from model.pictures import sniff
from model.pictures.sniff import has_more_scans
from tests.kit import TOP
from tests.kit.hostile import claiming, progressive
from tests.kit.pictures import encoded, jpeg

# In a process of its own, for memory that was once taken is not given back.
MEASURE = """
import resource, sys
from dataclasses import replace
from model import SKETCH_CAPS, BadImage, decode
caps = replace(SKETCH_CAPS, max_pixels=2_000_000)
data = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    print("decoded", decode(data, caps=caps).image.size)
except BadImage as error:
    print("refused", error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def measured(data: bytes) -> tuple[str, int]:
    """What becomes of the picture, and the KiB that this takes."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], cwd=TOP, input=data, capture_output=True, check=True, timeout=60
    )
    outcome, taken = done.stdout.decode().splitlines()
    return outcome, int(taken)


def test_a_jpeg_of_thousands_of_scans_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bomb = progressive(5000, 3000)
    assert len(bomb) < 2**19
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(BadImage, match="more than 25 scans"):
        decode(bomb, caps=SKETCH_CAPS)


def test_common_jpegs_have_few_scans() -> None:
    for options in (
        {},
        {"progressive": True},
        {"progressive": True, "subsampling": 0, "restart_marker_rows": 1},
    ):
        data = jpeg(64, 48, **options)
        assert not has_more_scans(data, 10)
        assert decode(data).width == 64
    assert has_more_scans(progressive(64, 3), 10)
    assert decode(progressive(64, 10)).width == 64


def test_what_looks_like_scans_elsewhere_does_not_count() -> None:
    """In metadata, and in the film that phones append."""
    plain = jpeg(64, 48)
    noise = b"\xff\xda" * 1000
    comment = b"\xff\xfe" + (len(noise) + 2).to_bytes(2, "big") + noise
    for data in (plain + noise, plain[:2] + comment + plain[2:]):
        assert not has_more_scans(data, 50)
        assert decode(data).width == 64


@pytest.mark.parametrize("more", [b"\xff\xfe\0\4\xff\xda", b"\xff\xda\0\x0c\3\1\0\2\x11\3\x11\0\x3f\0"])
def test_a_sequential_jpeg_ends_with_its_first_whole_scan(
    more: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much follows: no decoder reads it, so nobody needs to search it."""
    plain = jpeg(64, 48)
    flood = plain[:-2] + more * 1000 + plain[-2:]
    monkeypatch.setattr(sniff, "_JPEG_MARKER", None)
    assert not has_more_scans(flood, 10)
    with contextlib.suppress(BadImage):
        assert np.array_equal(decode(flood).image, decode(plain).image)


def test_scans_of_single_components_are_counted() -> None:
    """A sequential JPEG may have a scan for each colour, and then a decoder reads all that follow, too."""
    plain = jpeg(64, 48)
    scan = plain.index(b"\xff\xda")
    single = plain[: scan + 4] + b"\1" + plain[scan + 5 :]
    flood = single[:-2] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" * 1000 + single[-2:]
    assert has_more_scans(flood, 10)


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
@pytest.mark.slow
def test_containers_that_lie_about_their_size_are_bounded(kind: str) -> None:
    side = 2000
    honest = encoded(
        Image.effect_noise((side // 16, side // 16), 50).resize((side, side)).convert("RGB"), kind, quality=20
    )
    outcome, taken = measured(honest)
    assert outcome.startswith("refused 2000 x 2000 is 4 megapixels"), outcome
    outcome, taken = measured(claiming(honest, 60_000, 60_000))
    assert outcome.startswith("refused"), outcome
    assert taken < 64 * 2**10
    # Smaller than it is: what its codec takes for its true size, and no more.
    outcome, taken = measured(claiming(honest, 100, 100))
    assert outcome.startswith("refused") or outcome == "decoded (100, 100)"
    assert taken < 100 * 2**10
