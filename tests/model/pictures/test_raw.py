"""Camera raw files are shown by their preview, and told from ordinary TIFFs."""

import pytest

from model import SKETCH_CAPS, BadImage, Unreadable, decode
from model.pictures.claims import claimed_pixels
from model.pictures.raw import is_raw, preview
from tests.kit.pictures import encoded, photo, scene
from tests.kit.raw import dng

pytest.importorskip("rawpy")


def test_a_raw_file_is_shown_by_its_preview() -> None:
    data = dng(encoded(scene(600, 400), "JPEG", quality=95), (600, 400))
    found = decode(data, shortest=100)
    assert (found.width, found.height, found.format) == (600, 400, "JPEG")
    red, _, blue = found.image.getpixel((20, 20))  # type: ignore[misc]
    assert red > 180 > blue


def test_a_preview_is_turned_as_the_camera_was() -> None:
    data = dng(encoded(scene(600, 400), "JPEG", quality=95), (600, 400), orientation=6)
    found = decode(data)
    assert (found.width, found.height) == (400, 600)
    red, _, blue = found.image.getpixel((380, 20))  # type: ignore[misc]
    assert red > 180 > blue


def test_what_is_raw_and_what_is_only_a_tiff() -> None:
    assert is_raw(dng(b"", (6, 4)))
    for magic in (
        b"FUJIFILMCCD-RAW 0201",
        b"IIRO\x08",
        b"IIU\0\x18",
        b"\0\0\0\x18ftypcrx ",
        b"II*\0\x10\0\0\0CR\2\0",
    ):
        assert is_raw(magic + bytes(100))
    for kind in ("TIFF", "JPEG", "PNG", "HEIF", "AVIF"):
        assert not is_raw(encoded(photo(64, 48), kind))
    assert not is_raw(b"II*\0\xff\xff\xff\xff")
    assert claimed_pixels(dng(b"", (6, 4))) == 100_000_000


@pytest.mark.parametrize(
    "data", [dng(b"", (6, 4))[:300], b"FUJIFILMCCD-RAW 0201" + bytes(500), b"IIRO" + bytes(99)]
)
def test_damaged_raw_files_are_refused(data: bytes) -> None:
    with pytest.raises(BadImage):
        preview(data)


def test_what_strangers_send_never_reaches_the_raw_library() -> None:
    with pytest.raises(BadImage, match="not a picture"):
        decode(b"FUJIFILMCCD-RAW 0201" + bytes(500), caps=SKETCH_CAPS)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.pictures.raw.installed", lambda: False)
    with pytest.raises(Unreadable, match=r"pip install 'sketchseek\[raw\]'"):
        decode(dng(b"", (6, 4)))
