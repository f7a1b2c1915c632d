"""Profiles that are no tables but programs: their tables are used, and nothing of them is run."""

import numpy as np
from PIL import Image

from model.pictures.profiles import by_profile, without_programs
from tests.kit.bombs import profile, program_profile, table
from tests.kit.pictures import photo


def test_of_a_profile_with_a_program_the_tables_are_used() -> None:
    image = photo(64, 48)
    tables = by_profile(image, profile({b"A2B0": table(3, 9)}))
    found = by_profile(image, program_profile(steps=3, pieces=4))
    assert tables is not None
    assert found is not None
    assert np.array_equal(np.asarray(found), np.asarray(tables))
    assert not np.array_equal(np.asarray(found), np.asarray(image))


def test_programs_alone_change_no_colours() -> None:
    alone = program_profile(steps=3, pieces=4).replace(b"A2B0", b"none")
    assert by_profile(photo(64, 48), alone) is None


def test_other_profiles_stay_as_they_are() -> None:
    common = profile({b"A2B0": table(3, 9)})
    assert without_programs(common) is common
    for broken in (common[:10], common[:140], common[:128] + b"\xff" * 4, b"", bytes(5 * 2**20)):
        assert by_profile(Image.new("RGB", (4, 4)), broken) is None
