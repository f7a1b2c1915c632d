"""The stamp of a row changes with whatever the row says."""

from dataclasses import fields, replace

from indexer.remote.rows import Row, stamp_of
from indexer.values import Photo
from tests.kit.rows import photo

ONE = photo(7, "a/b.jpg", taken="2020", camera="x", latitude=1.0, longitude=2.0, colour=3, moment="2020")


def test_everything_counts() -> None:
    stamps = [stamp_of(Row(ONE, 5), "model", False)]
    for field in fields(Photo):
        known = getattr(ONE, field.name)
        other = "other" if isinstance(known, str) else (known or 0) + 1
        stamps.append(stamp_of(Row(replace(ONE, **{field.name: other}), 5), "model", False))
    stamps += [
        stamp_of(Row(ONE, 6), "model", False),
        stamp_of(Row(ONE, 5), "another model", False),
        stamp_of(Row(ONE, 5), "model", True),
    ]
    assert len(set(stamps)) == len(fields(Photo)) + 4
    assert all(0 <= stamp < 2**63 for stamp in stamps)


def test_the_same_row_has_the_same_stamp_in_every_process() -> None:
    """Calculated once; if it changes, each live library is sent again."""
    assert stamp_of(Row(ONE, 5), "model", True) == 4_620_125_565_354_048_765
