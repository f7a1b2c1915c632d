"""One list of formats: whatever a file may be called to be picked up, its content can be read."""

from pathlib import Path

import pytest

from indexer.folders.scan import SUFFIXES as INDEXED
from model.data.datasets import images_under
from model.pictures.formats import FORMATS, SUFFIXES, SUFFIXES_OF
from model.pictures.images import decode
from tests.kit.pictures import encoded, scene


@pytest.mark.parametrize(
    ("kind", "suffix"), [(kind, suffix) for kind in sorted(SUFFIXES_OF) for suffix in SUFFIXES_OF[kind]]
)
def test_what_is_picked_up_by_name_can_be_read(kind: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"holiday{suffix.upper()}"
    path.write_bytes(encoded(scene(), kind))
    assert images_under(tmp_path) == [path]
    assert decode(path).format == kind
    assert suffix in INDEXED


def test_data_sets_leave_out_what_no_decoder_here_reads(tmp_path: Path) -> None:
    """JPEG 2000 was picked up for training and then refused."""
    (tmp_path / "scan.jp2").write_bytes(b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(100))
    (tmp_path / "scan.svg").write_text("<svg/>")
    assert images_under(tmp_path) == []


def test_each_suffix_belongs_to_one_format() -> None:
    assert set(SUFFIXES_OF) == FORMATS
    assert sum(map(len, SUFFIXES_OF.values())) == len(SUFFIXES)
