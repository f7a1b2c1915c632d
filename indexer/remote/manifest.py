"""What a generation on a server says of itself: sealed when its table is created, and measured before it is served."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from indexer.errors import BrokenGeneration
from indexer.remote.database import Built, Layout
from indexer.sealing import sealed

FORMAT = 1
_REMEDY = "run sketchseek index again"


@dataclass(frozen=True)
class Description:
    """The contents of a generation, and the model of its vectors; `publication` is like no other.

    That of a live table says how it began; the text MANIFEST says the same of how it is now.
    """

    format: int
    generation: str
    publication: str
    created: str
    model: str
    fingerprint: str
    dimension: int
    photos: int
    revision: int
    index_type: str = "auto"
    bank: str = ""
    # Columns of biases behind each vector.
    tail: int = 0
    parts: str = ""
    part_bytes: int = 0
    part_photos: int = 0
    # Whether later publications change the table.
    live: bool = False

    @property
    def layout(self) -> Layout:
        wide = self.dimension + self.tail
        return Layout(self.photos, wide, self.tail, self.part_bytes, self.index_type, self.live)

    @property
    def made_by(self) -> str:
        """What makes the vectors, the biases, and the parts of the same contents."""
        return f"{self.fingerprint} {self.bank} {self.parts}"

    def seal(self) -> str:
        fields = asdict(self)
        if not self.live:
            # As it was before there were live tables.
            del fields["live"]
        return sealed(fields).decode()


@dataclass(frozen=True)
class Measured:
    """What the server made of it: the recall@10 without and with filters, and the efforts with which it gets there.

    `efforts` are triples: the share of photos that pass a filter, the effort then, and the recall that it reached.
    """

    kind: str
    exact: bool
    recall: float = 1.0
    filtered_recall: float = 1.0
    efforts: tuple[tuple[float, int, float], ...] = ()
    folded: int = 0
    server: str = ""
    # Rows of a live table that were changed since the recall was measured.
    changed: int = 0

    @property
    def built(self) -> Built:
        return Built(self.kind, self.exact)

    def written(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class RemoteFacts:
    """See `indexer.values.Facts`."""

    described: Description
    measured: Measured
    server_kind: str

    @property
    def generation(self) -> str:
        return self.described.generation

    @property
    def created(self) -> str:
        return self.described.created

    @property
    def model(self) -> str:
        return self.described.model

    @property
    def fingerprint(self) -> str:
        return self.described.fingerprint

    @property
    def dimension(self) -> int:
        return self.described.dimension

    @property
    def store(self) -> str:
        return f"{self.server_kind}:{self.measured.kind}"

    @property
    def photos(self) -> int:
        return self.described.photos

    @property
    def revision(self) -> int:
        return self.described.revision

    @property
    def index_type(self) -> str:
        return self.described.index_type

    @property
    def recall(self) -> float:
        return self.measured.recall

    @property
    def bank(self) -> str:
        return self.described.bank

    @property
    def parts(self) -> str:
        return self.described.parts

    @property
    def part_photos(self) -> int:
        return self.described.part_photos

    @property
    def live(self) -> bool:
        return self.described.live


def parsed(text: str, where: object) -> Description:
    """Read a sealed description; raises BrokenGeneration."""
    try:
        raw = json.loads(text)
        raw.pop("seal", None)
        if raw["format"] > FORMAT:
            raise BrokenGeneration(
                f"{where}: format {raw['format']} is newer than this sketchseek's; upgrade it"
            )
        found = Description(**raw)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BrokenGeneration(f"{where}: not a generation of sketchseek; {_REMEDY}") from None
    if found.seal() != text:
        raise BrokenGeneration(f"{where}: its description changed after it was published; {_REMEDY}")
    return found


def measured(texts: Mapping[str, str], where: object) -> Measured:
    try:
        raw: dict[str, Any] = json.loads(texts["measured"])
        efforts = tuple(
            (float(share), int(effort), float(recall)) for share, effort, recall in raw.pop("efforts")
        )
        return Measured(efforts=efforts, **raw)
    except (ValueError, TypeError, KeyError):
        raise BrokenGeneration(f"{where}: its publication was not finished; {_REMEDY}") from None
