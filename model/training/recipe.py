"""Recipes: what a training run consists of (towers, a method and its options, data, rates), from a small JSON file.

Those in `recipes/` ship with the package; any other is named by its path. A recipe is frozen, and its `digest` decides
whether an interrupted run may be resumed.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, model_validator
from pydantic_core import PydanticCustomError, to_json

from model.backbones import BACKBONES
from model.errors import ModelError
from model.links import DOCS
from model.methods import METHODS
from model.training.options import Options

RECIPES = Path(__file__).parent / "recipes"
# Seeds are below: torch takes 64 bits, of which a step's number needs its own.
SEEDS = 2**32
# In 0.1 there was one method, and its options were fields of the recipe.
METHOD_OF_0_1 = "ma-sbir"
OPTIONS_OF_0_1 = ("authors_share", "loss_weights", "anchors", "encodings", "logit_scale")


class RecipeProblem(ModelError):
    """A recipe cannot be read or contradicts itself."""


class Recipe(BaseModel):
    """A recipe for one run. `steps` or `epochs` is its length; `warm_up` is a share of that.

    `options` are those of the `method`, see its class. `instances` drawings of each batch come with their own
    photos, all of one label, if the data has any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    towers: Literal["lite", "open_clip"]
    # The image tower's family, a name from model.backbones; None for timm.
    backbone: str | None = None
    architecture: str
    pretrained: str | None = None
    dimension: int = Field(gt=0)
    size: int = Field(default=224, ge=32)
    frozen_stages: int = Field(default=0, ge=0)
    # What is trained of a `lite` tower: all behind the frozen stages, the scales and shifts of its norms, or nothing.
    tower: Literal["later-stages", "norms", "nothing"] = "later-stages"
    # Of each picture on disk, the picture itself among them; the others are made anew so often in a run.
    views: int = Field(default=1, ge=1)
    turns: int = Field(default=1, ge=1)
    variations: Literal["light", "rich"] = "light"
    captions: tuple[str, ...] = Field(min_length=1)
    method: str = METHOD_OF_0_1
    options: SerializeAsAny[Options]
    instances: int = Field(default=0, ge=0)
    batch: int = Field(ge=2)
    epochs: int | None = Field(default=None, gt=0)
    steps: int | None = Field(default=None, gt=0)
    warm_up: float = Field(default=0.05, ge=0, lt=1)
    schedule: Literal["cosine", "constant"] = "cosine"
    tower_rate: float = Field(gt=0)
    head_rate: float = Field(gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    average: float = Field(default=0.0, ge=0, lt=1)
    seed: int = Field(default=0, ge=0, lt=SEEDS)

    @model_validator(mode="before")
    @classmethod
    def _with_options(cls, fields: Any) -> Any:
        """Parse the options with the method's own model; a recipe of 0.1 has them among the other fields."""
        if not isinstance(fields, dict):
            return fields
        fields = dict(fields)
        if fields.get("edges"):
            raise PydanticCustomError(
                "edges",
                f"`edges` is gone, as it cost accuracy ({DOCS}/training.md): remove it from the recipe",
            )
        if fields.get("edges") is False:
            del fields["edges"]
        method = fields.get("method", METHOD_OF_0_1)
        given = fields.get("options", {})
        if method == METHOD_OF_0_1 and isinstance(given, dict):
            given = given | {name: fields.pop(name) for name in OPTIONS_OF_0_1 if name in fields}
        if isinstance(method, str) and isinstance(given, dict):
            fields["options"] = _options(method, given)
        return fields

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either `steps` or `epochs`, the other one as null")
        if self.views == 1 and (self.turns > 1 or self.variations != "light"):
            raise ValueError(
                "`views` 1 is the picture itself: `turns` and `variations` take 2 or more, as the others vary"
            )
        if any("{}" not in caption for caption in self.captions):
            raise ValueError("each of `captions` needs {} in place of the class's name")
        BACKBONES.check(self.family, "backbone")
        if (self.towers == "open_clip") != (self.family == "open_clip"):
            raise ValueError(
                "`backbone` names the image tower of `lite`; for open_clip's models set `towers`"
            )
        if self.tower != "later-stages" and self.towers != "lite":
            raise ValueError("`tower` says what is trained of `lite` towers; the others train whole")
        if not isinstance(self.options, METHODS.load(self.method).options):
            raise ValueError(f"`options` are not the options of {self.method}")
        self.options.check(self.towers)
        if 2 * self.instances > self.batch:
            raise ValueError(
                f"{self.instances} instances with their photos do not fit in a batch of {self.batch}"
            )
        return self

    @property
    def family(self) -> str:
        """The backbone's name in the registry."""
        return self.backbone or ("open_clip" if self.towers == "open_clip" else "timm")

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.model_dump_json(exclude=self._defaulted).encode()).hexdigest()[:16]

    @property
    def _defaulted(self) -> set[str]:
        """Fields added later, if they are at their defaults: leaving them out keeps digests stable."""
        found = {"backbone": None, "tower": "later-stages", "turns": 1, "variations": "light"}
        return {name for name, value in found.items() if getattr(self, name) == value}

    @property
    def digest_of_0_1(self) -> str | None:
        """The digest that 0.1 would have given this recipe, so that its runs can be resumed."""
        if self.method != METHOD_OF_0_1:
            return None
        options = self.options.model_dump(mode="json") | {"edges": False}
        flat: dict[str, object] = {}
        for name, value in self.model_dump(mode="json", exclude={"method"} | self._defaulted).items():
            # In 0.1's order: the options, `edges` last, in today's place, except for one.
            if name == "options":
                flat |= {key: options[key] for key in (*OPTIONS_OF_0_1[:-1], "edges")}
            elif name == "batch":
                flat |= {"logit_scale": options["logit_scale"], "batch": value}
            else:
                flat[name] = value
        return hashlib.sha256(to_json(flat)).hexdigest()[:16]

    def length(self, images: int) -> int:
        """The total number of steps for a training set of so many images."""
        if self.steps is not None:
            return self.steps
        return math.ceil(images / self.batch) * (self.epochs or 1)

    def rate(self, step: int, steps: int) -> float:
        """The factor of the learning rates at a step, counted from zero."""
        warm = math.ceil(self.warm_up * steps)
        rising = min(1.0, (step + 1) / warm) if warm else 1.0
        if self.schedule == "constant":
            return rising
        return rising * max(0.01, 0.5 + 0.5 * math.cos(math.pi * step / steps))


def read_recipe(name_or_path: str | Path, method: str | None = None, **changes: object) -> Recipe:
    """Read a shipped recipe by name, or any JSON file; `changes` replace single fields.

    `method` is for recipes that name none: those that do have options for that method only.
    """
    path, fields = _read(name_or_path)
    if method is not None and fields.get("method", method) != method:
        raise RecipeProblem(
            f"{path}: the method of this recipe is {fields['method']!r}, not {method!r}: "
            "use a recipe without a `method`, such as lite-base"
        )
    if method is not None:
        METHODS.check(method)
        fields["method"] = method
    METHODS.check(str(fields.get("method", METHOD_OF_0_1)), str(path))
    try:
        return Recipe.model_validate(fields | changes)
    except ValidationError as error:
        where, what = _first(error)
        raise RecipeProblem(f"{path}: {where or 'the recipe'}: {what}") from None


def _read(name_or_path: str | Path, others: tuple[Path, ...] = ()) -> tuple[Path, dict[str, Any]]:
    """The file and its fields; those that it leaves out are taken from the one that it is `like`."""
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
    if (other := fields.pop("like", None)) is None:
        return path, fields
    if path in others:
        raise RecipeProblem(f"{path}: in the end, this recipe is `like` itself; name another one")
    _, whole = _read(_named(path, str(other)), (*others, path))
    if fields.get("method", whole.get("method")) != whole.get("method"):
        # They are options of another method.
        whole.pop("options", None)
    return path, _changed(whole, fields)


def _named(path: Path, other: str) -> str:
    """A recipe that another one names: one that ships, or a file beside it."""
    return other if (RECIPES / f"{other}.json").is_file() else str(path.parent / other)


def _changed(whole: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The same with these changes, field by field where a field has fields of its own."""
    merged = dict(whole)
    for name, value in changes.items():
        before = merged.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            value = _changed(before, value)
        merged[name] = value
    return merged


def _options(method: str, given: dict[str, Any]) -> Options:
    """Validate the method's options; faults are reported as faults of a field of the recipe."""
    kind: type[Options] = METHODS.load(method).options
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        where, what = _first(error)
        if error.errors()[0]["type"] == "extra_forbidden":
            what = f"no option of {method}; known: {', '.join(kind.model_fields) or 'none'}"
        # Braces in the text of a custom error are placeholders.
        raise PydanticCustomError("options", "{said}", {"said": f"options.{where}: {what}"}) from None


def _first(error: ValidationError) -> tuple[str, str]:
    """The first fault: where it is, and what."""
    first = error.errors()[0]
    return ".".join(map(str, first["loc"])), first["msg"]
