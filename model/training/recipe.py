"""What a training run is made of: towers, losses and rates, read from a small JSON file.

`lite`, `lite-pairs`, `lite-instances` and `masbir-b32` ship with the package; a path names any other. A recipe is
frozen, and its `digest` tells whether a run that was interrupted may be taken up again.
"""

import hashlib
import json
import math
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.backbones import BACKBONES
from model.errors import ModelError

RECIPES = Path(__file__).parent / "recipes"


class RecipeProblem(ModelError):
    """A recipe cannot be read or contradicts itself."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class AuthorsWeights(_Frozen):
    """Weights of the paper's terms, which are divided by their sum."""

    clip: float = Field(default=1.0, ge=0)
    semantic_centre: float = Field(default=0.1, ge=0)
    modality_classifier: float = Field(default=0.1, ge=0)
    reconstruction: float = Field(default=0.02, ge=0)
    orthogonality: float = Field(default=0.0, ge=0)
    multi_positive: float = Field(default=0.0, ge=0)
    cross_modal: float = Field(default=0.0, ge=0)
    instance: float = Field(default=0.0, ge=0)
    triplet: float = Field(default=0.0, ge=0)


class AnchorWeights(_Frozen):
    """Weights of what ties sketches to the photos and words as they were before training (model.training.anchors)."""

    prototypes: float = Field(default=0.0, ge=0)
    words: float = Field(default=0.0, ge=0)
    across: float = Field(default=0.0, ge=0)
    keep_photos: float = Field(default=0.0, ge=0)
    own_photo: float = Field(default=0.0, ge=0)

    @property
    def wanted(self) -> bool:
        return any(value > 0 for value in self.model_dump().values())


class Recipe(_Frozen):
    """One run. `steps` or `epochs` says how long; `warm_up` is a share of that.

    `authors_share` is what the total of `loss_weights` counts for beside the anchors. `encodings` start as the
    paper's (`normal`), as each modality's mean, to be measured once more after training (`means`), or stay
    zero, which makes the towers a plain Siamese network (`none`). `edges` lets photos also pose as drawings.
    `instances` drawings of each batch come with their very photos, all of one label, where the data has such.
    """

    name: str
    towers: Literal["lite", "open_clip"]
    # Of the image tower, where it is not timm: a name from model.backbones.
    backbone: str | None = None
    architecture: str
    pretrained: str | None = None
    dimension: int = Field(gt=0)
    size: int = Field(default=224, ge=32)
    frozen_stages: int = Field(default=0, ge=0)
    views: int = Field(default=1, ge=1)
    captions: tuple[str, ...] = Field(min_length=1)
    authors_share: float = Field(default=1.0, gt=0)
    loss_weights: AuthorsWeights = AuthorsWeights()
    anchors: AnchorWeights = AnchorWeights()
    encodings: Literal["normal", "means", "none"] = "normal"
    edges: bool = False
    instances: int = Field(default=0, ge=0)
    logit_scale: float = 2.6592
    batch: int = Field(ge=2)
    epochs: int | None = Field(default=None, gt=0)
    steps: int | None = Field(default=None, gt=0)
    warm_up: float = Field(default=0.05, ge=0, lt=1)
    schedule: Literal["cosine", "constant"] = "cosine"
    tower_rate: float = Field(gt=0)
    head_rate: float = Field(gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    average: float = Field(default=0.0, ge=0, lt=1)
    seed: int = 0

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either `steps` or `epochs`, the other one as null")
        if any("{}" not in caption for caption in self.captions):
            raise ValueError("each of `captions` needs {} where the class's name goes")
        if self.towers != "lite" and (self.anchors.wanted or self.encodings == "means"):
            raise ValueError(
                "`anchors` and measured `encodings` need a reference that only the lite towers have"
            )
        BACKBONES.check(self.family, "backbone")
        if (self.towers == "open_clip") != (self.family == "open_clip"):
            raise ValueError(
                "`backbone` names the image tower of `lite`; for open_clip's models set `towers`"
            )
        if 2 * self.instances > self.batch:
            raise ValueError(
                f"{self.instances} instances with their photos do not fit a batch of {self.batch}"
            )
        return self

    @property
    def family(self) -> str:
        """The backbone's name in the registry."""
        return self.backbone or ("open_clip" if self.towers == "open_clip" else "timm")

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def length(self, images: int) -> int:
        """Steps in all, for a training set of so many images."""
        if self.steps is not None:
            return self.steps
        return math.ceil(images / self.batch) * (self.epochs or 1)

    def rate(self, step: int, steps: int) -> float:
        """What the learning rates are multiplied with at a step, counted from zero."""
        warm = math.ceil(self.warm_up * steps)
        rising = min(1.0, (step + 1) / warm) if warm else 1.0
        if self.schedule == "constant":
            return rising
        return rising * max(0.01, 0.5 + 0.5 * math.cos(math.pi * step / steps))


def read_recipe(name_or_path: str | Path, **changes: object) -> Recipe:
    """A shipped recipe by name or any JSON file; `changes` replace single fields."""
    path = RECIPES / f"{name_or_path}.json"
    if not path.is_file():
        path = Path(name_or_path)
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        names = ", ".join(sorted(found.stem for found in RECIPES.glob("*.json")))
        raise RecipeProblem(
            f"no recipe {str(name_or_path)!r}: give a JSON file, or one of: {names}"
        ) from None
    except ValueError as error:
        raise RecipeProblem(f"{path}: not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise RecipeProblem(f"{path}: a recipe is a JSON object with named fields")
    try:
        return Recipe.model_validate(fields | changes)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the recipe"
        raise RecipeProblem(f"{path}: {where}: {first['msg']}") from None
