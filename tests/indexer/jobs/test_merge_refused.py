"""Parts that do not belong together, or are not whole: each refused by name, and the index stays as it was."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from indexer import IndexProblem, NoIndex, Partition, RulesChange, Silent, WrongModel, run
from indexer.errors import BrokenGeneration
from model import Encoder
from tests.kit.jobs import Machines
from tests.kit.standin import StandIn, published, write_photo


def _another_model(machines: Machines) -> None:
    machines.embed(2, encoder=StandIn("6" * 16))


def _other_roots(machines: Machines) -> None:
    other = machines.parts[1].parent / "others"
    for number in range(9):
        write_photo(other / f"{number}.png", number)
    run(machines.parts[1], [machines.library.folder, other], cast(Encoder, StandIn()), Silent())


def _other_patterns(machines: Machines) -> None:
    machines.embed(2, change=RulesChange(hidden=True))


def _missing(machines: Machines) -> None:
    del machines.parts[1]


def _doubled(machines: Machines) -> None:
    shutil.copytree(machines.parts[0], machines.parts[0].with_name("again"))
    machines.parts.append(machines.parts[0].with_name("again"))


def _given_twice(machines: Machines) -> None:
    machines.parts.append(machines.parts[0])


def _another_number(machines: Machines) -> None:
    machines.parts[1] = machines.parts[1].with_name("of four")
    run(
        machines.parts[1],
        [machines.library.folder],
        cast(Encoder, StandIn()),
        Silent(),
        partition=Partition(2, 4),
    )


def _whole_index(machines: Machines) -> None:
    machines.parts[1] = machines.parts[1].with_name("an index")
    run(machines.parts[1], [machines.library.folder], cast(Encoder, StandIn()), Silent())


def _any_folder(machines: Machines) -> None:
    machines.parts[1] = machines.library.folder


def _killed(machines: Machines) -> None:
    """Its catalogue knows more than its last finished run."""
    sealed = (machines.parts[1] / "part.json").read_bytes()
    for number in range(9):
        machines.library.write(f"later {number}.png")
    machines.embed(2)
    (machines.parts[1] / "part.json").write_bytes(sealed)


def _shard(machines: Machines) -> Path:
    (path,) = (machines.parts[1] / "vectors").rglob("*.f16")
    return path


def _cut_short(machines: Machines) -> None:
    os.truncate(_shard(machines), _shard(machines).stat().st_size - 10)


def _one_bit(machines: Machines) -> None:
    data = bytearray(_shard(machines).read_bytes())
    data[100] ^= 4
    _shard(machines).write_bytes(data)


def _other_words(machines: Machines) -> None:
    path = machines.parts[1] / "part.json"
    path.write_bytes(path.read_bytes().replace(b'"2/3"', b'"3/3"'))


def _no_words(machines: Machines) -> None:
    (machines.parts[1] / "part.json").write_bytes(b"\0" * 100)


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (
            _another_model,
            WrongModel,
            "part2: made by model stand-in .66666.*, but .*part1 by .*run all parts with one",
        ),
        (_other_roots, IndexProblem, "part2: was made of other photo folders than .*others, .*photos, but "),
        (_other_patterns, IndexProblem, "part2: was made of .* the same ones by other patterns"),
        (_missing, IndexProblem, "part 2/3 is missing"),
        (_doubled, IndexProblem, "again: is part 1/3, and so is .*part1; give each once"),
        (_given_twice, IndexProblem, "part1: is part 1/3, and so is .*part1; give each once"),
        (_another_number, IndexProblem, "of four: is part 2/4, but .*part1 is part 1/3"),
        (_whole_index, NoIndex, "an index: a whole index, not a part"),
        (_any_folder, NoIndex, "photos: no index of ours"),
        (_killed, IndexProblem, "part2: part 2/3 is not as its last finished run left it .catalogue.sqlite."),
        (
            _cut_short,
            IndexProblem,
            r"part2: part 2/3 is not as its last finished run left it .vectors/.*f16.",
        ),
        (_one_bit, BrokenGeneration, r"part2/.*000001.f16: not as its run left it; copy it again"),
        (_other_words, BrokenGeneration, r"part2/part.json: damaged"),
        (_no_words, BrokenGeneration, r"part2/part.json: damaged"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    machines: Machines, wrong: Callable[[Machines], None], error: type[Exception], said: str
) -> None:
    """The whole stays as it was, and the right parts still make one."""
    machines.all()
    machines.merge()
    before = published(machines.whole, machines.library.seeds)
    right = list(machines.parts)
    shutil.copytree(
        machines.whole.parent, machines.whole.parent / "kept", ignore=shutil.ignore_patterns("kept")
    )
    if wrong is _one_bit:
        # Rows are read from a shard only where the whole lacks them.
        shutil.rmtree(machines.whole)
    wrong(machines)
    with pytest.raises(error, match=said):
        machines.merge()
    if wrong is not _one_bit:
        assert published(machines.whole, machines.library.seeds) == before
    for part in right:
        shutil.rmtree(part)
        shutil.copytree(machines.whole.parent / "kept" / part.name, part)
    machines.parts = right
    machines.merge()
    assert published(machines.whole, machines.library.seeds) == before
