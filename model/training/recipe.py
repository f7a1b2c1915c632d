"""What a training run is made of: towers, a method with its options, data and rates, read from a small JSON file.

Those in `recipes/` ship with the package; a path names any other. A recipe is frozen, and its `digest` tells
whether a run that was interrupted may be taken up again.
"""

import hashlib
import json
import math
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, model_validator
from pydantic_core import PydanticCustomError, to_json

from model.backbones import BACKBONES
from model.errors import ModelError
from model.methods import METHODS
from model.training.options import Options

RECIPES = Path(__file__).parent / "recipes"
# In 0.1 there was one method, and what are its options now stood among the recipe's own fields.
METHOD_OF_0_1 = "ma-sbir"
OPTIONS_OF_0_1 = ("authors_share", "loss_weights", "anchors", "encodings", "logit_scale")


class RecipeProblem(ModelError):
    """A recipe cannot be read or contradicts itself."""


class Recipe(BaseModel):
    """One run. `steps` or `epochs` says how long; `warm_up` is a share of that.

    `options` are those of the `method`, see its class. `instances` drawings of each batch come with their very
    photos, all of one label, where the data has such.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

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
    seed: int = 0

    @model_validator(mode="before")
    @classmethod
    def _with_options(cls, fields: Any) -> Any:
        """The options as the method's own model; a recipe of 0.1 names them among the other fields."""
        if not isinstance(fields, dict):
            return fields
        fields = dict(fields)
        if fields.get("edges"):
            raise PydanticCustomError(
                "edges", "`edges` is gone, as it cost accuracy (docs/training.md): remove it from the recipe"
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
        if any("{}" not in caption for caption in self.captions):
            raise ValueError("each of `captions` needs {} where the class's name goes")
        BACKBONES.check(self.family, "backbone")
        if (self.towers == "open_clip") != (self.family == "open_clip"):
            raise ValueError(
                "`backbone` names the image tower of `lite`; for open_clip's models set `towers`"
            )
        if not isinstance(self.options, METHODS.load(self.method).options):
            raise ValueError(f"`options` are not those of {self.method}")
        self.options.check(self.towers)
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
        return hashlib.sha256(self.model_dump_json(exclude=self._unsaid).encode()).hexdigest()[:16]

    @property
    def _unsaid(self) -> set[str]:
        """Fields that came later, where they say nothing: digests stay what they were."""
        return {"backbone"} if self.backbone is None else set()

    @property
    def digest_of_0_1(self) -> str | None:
        """What 0.1 would have called this recipe, so that a run begun with it goes on."""
        if self.method != METHOD_OF_0_1:
            return None
        options = self.options.model_dump(mode="json") | {"edges": False}
        flat: dict[str, object] = {}
        for name, value in self.model_dump(mode="json", exclude={"method"} | self._unsaid).items():
            # In 0.1's order: the options, `edges` last, stood where they stand now, but for one.
            if name == "options":
                flat |= {key: options[key] for key in (*OPTIONS_OF_0_1[:-1], "edges")}
            elif name == "batch":
                flat |= {"logit_scale": options["logit_scale"], "batch": value}
            else:
                flat[name] = value
        return hashlib.sha256(to_json(flat)).hexdigest()[:16]

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


def read_recipe(name_or_path: str | Path, method: str | None = None, **changes: object) -> Recipe:
    """A shipped recipe by name or any JSON file; `changes` replace single fields.

    `method` is for a recipe that leaves it open: one that fixes it has its options for that method alone.
    """
    path, fields = _read(name_or_path)
    if method is not None and fields.get("method", method) != method:
        raise RecipeProblem(
            f"{path}: the method of this recipe is {fields['method']!r}, not {method!r}: "
            "take a recipe without a `method`, such as lite-base"
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


def _read(name_or_path: str | Path) -> tuple[Path, dict[str, Any]]:
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
    return path, fields


def _options(method: str, given: dict[str, Any]) -> Options:
    """The method's options; what is wrong with them is said as of a field of the recipe."""
    kind: type[Options] = METHODS.load(method).options
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        where, what = _first(error)
        if error.errors()[0]["type"] == "extra_forbidden":
            what = f"no option of {method}; known: {', '.join(kind.model_fields) or 'none'}"
        # Braces in a custom error's text are places to fill.
        raise PydanticCustomError("options", "{said}", {"said": f"options.{where}: {what}"}) from None


def _first(error: ValidationError) -> tuple[str, str]:
    """Where the first fault lies, and what it is."""
    first = error.errors()[0]
    return ".".join(map(str, first["loc"])), first["msg"]
