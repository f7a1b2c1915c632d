"""open_clip's models: created by name, stored in open_clip's own layout, and split into towers for the engines.

A published folder holds `open_clip_config.json` and `open_clip_model.safetensors`, so that
`open_clip.create_model("local-dir:FOLDER")` opens it, too.
"""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import open_clip
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.backbones import weights
from model.backbones.base import DEFAULT, Backbone, Built, ImageTower, Level
from model.errors import BadWeights, ModelError
from model.pictures.preprocessing import Preprocessing, Triple

if TYPE_CHECKING:
    from model.card import Card, Checkpoint

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
CONTEXT = 77
BYTE_PAIRS = Path(open_clip.tokenizer.default_bpe())


class ClipTexts(nn.Module):
    """Turns token ids into unit embeddings; an end token marks the end of a text, so no mask is needed."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.normalize(self.model.encode_text(ids).float(), dim=-1)


class OpenClip(Backbone):
    """Any model that open_clip lists, with its own text tower."""

    def build(self, architecture: str, pretrained: str | None = None, size: int | None = None) -> Built:
        return seen(create(architecture, _default(architecture, pretrained), size))

    def image_tower(self, checkpoint: "Checkpoint") -> nn.Module:
        visual, card = _of(checkpoint).visual, checkpoint.card
        # Cards of 0.1 leave the scaling to the model's own config.
        own = "mean" not in card.preprocessing and "std" not in card.preprocessing
        how = preprocessing(visual) if own else card.preparation
        return ImageTower(visual, None, how.mean, how.std).eval()

    def text_tower(self, checkpoint: "Checkpoint") -> nn.Module:
        return ClipTexts(_of(checkpoint))

    def text_length(self, card: "Card") -> int | None:
        return CONTEXT if "words" in card.weights else None


def seen(model: Any) -> Built:
    """The image network of an open_clip model."""
    visual = model.visual
    size = visual.image_size
    mapped = _levels(visual)
    return Built(
        network=visual,
        width=int(visual.output_dim) if hasattr(visual, "output_dim") else _width(model),
        size=size if isinstance(size, int) else size[0],
        preprocessing=preprocessing(visual),
        levels=mapped,
        maps=_maps(visual) if mapped else None,
    )


def preprocessing(visual: Any) -> Preprocessing:
    """The model's own preprocessing, but with whole photos: what is cut off cannot be found."""
    said = visual.preprocess_cfg
    return Preprocessing(
        photo_filter="bilinear" if said.get("interpolation") == "bilinear" else "bicubic",
        mean=_three(said["mean"]),
        std=_three(said["std"]),
    )


def create(architecture: str, pretrained: str | None, size: int | None = None) -> Any:
    """Create an open_clip model with the weights of a tag or a file; without either, with random ones."""
    if architecture not in open_clip.list_models():
        raise ModelError(f"open_clip has no model {architecture!r}: see open_clip.list_models()")
    try:
        with _quietly():
            return open_clip.create_model(
                architecture,
                pretrained=pretrained,
                force_quick_gelu=_quick_gelu(architecture, pretrained),
                force_image_size=None if size == _size(architecture) else size,
                pretrained_text=False,
            )
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"the weights {pretrained!r} of {architecture} are not available ({str(error).splitlines()[0]}); "
            "connect to the model hub once to download them, or set `pretrained` to a local file"
        ) from error


def tokenizer(architecture: str) -> Callable[[list[str]], Tensor]:
    """The tokenizer of the model's authors."""
    made: Callable[[list[str]], Tensor] = open_clip.get_tokenizer(architecture)
    return made


def described(architecture: str, pretrained: str | None, model: Any) -> str:
    """The contents of `open_clip_config.json`."""
    config = open_clip.get_model_config(architecture) or {}
    if _quick_gelu(architecture, pretrained):
        config["quick_gelu"] = True
    built = seen(model)
    if "image_size" in config.get("vision_cfg", {}):
        config["vision_cfg"]["image_size"] = built.size
    how = built.preprocessing
    said = {"mean": how.mean, "std": how.std, "interpolation": how.photo_filter, "resize_mode": how.photo}
    return json.dumps({"model_cfg": config, "preprocess_cfg": said}, indent=1) + "\n"


def reads_byte_pairs(architecture: str) -> bool:
    """Whether the model uses CLIP's own byte pairs, rather than a tokenizer from a model hub."""
    words = (open_clip.get_model_config(architecture) or {}).get("text_cfg", {})
    others = words.get("hf_tokenizer_name") or words.get("tokenizer_kwargs")
    return not others and words.get("context_length", 77) == CONTEXT


def opened(config: Path, tensors: dict[str, Tensor]) -> Any:
    """Open the model of a published folder, ready to run."""
    try:
        with _quietly():
            model = open_clip.create_model(f"local-dir:{config.parent}", load_weights=False)
        model.load_state_dict({name: value.float() for name, value in tensors.items()}, strict=True)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise BadWeights(
            f"{config.parent}: not an open_clip model that this version reads: {' '.join(lines[:2])}"
        ) from error
    return model.eval()


def _of(checkpoint: "Checkpoint") -> Any:
    return opened(checkpoint.file("open_clip"), weights.read(checkpoint.file("torch.image")))


def _default(architecture: str, pretrained: str | None) -> str | None:
    """For `DEFAULT`, the first weights that open_clip lists for a model."""
    if pretrained != DEFAULT:
        return pretrained
    tags: list[str] = open_clip.list_pretrained_tags_by_model(architecture)
    if not tags:
        raise ModelError(f"open_clip lists no weights for {architecture}: set `pretrained` to a local file")
    return tags[0]


def _size(architecture: str) -> object:
    return (open_clip.get_model_config(architecture) or {}).get("vision_cfg", {}).get("image_size")


def _three(values: Any) -> Triple:
    first, second, third = values if isinstance(values, (list, tuple)) else (values,) * 3
    return first, second, third


def _levels(visual: Any) -> tuple[Level, ...]:
    """The levels of open_clip's own ViT: each block keeps the grid of patches."""
    blocks = getattr(getattr(visual, "transformer", None), "resblocks", None)
    if blocks is None or not hasattr(visual, "forward_intermediates"):
        return ()
    width, patch = int(visual.conv1.out_channels), int(visual.conv1.kernel_size[0])
    return tuple(Level(f"transformer.resblocks.{number}", width, patch) for number in range(len(blocks)))


def _maps(visual: Any) -> Any:
    def maps(pictures: Tensor, levels: Sequence[int]) -> list[Tensor]:
        said = visual.forward_intermediates(pictures, indices=list(levels), intermediates_only=True)
        found: list[Tensor] = said["image_intermediates"]
        return found

    return maps


def _width(model: Any) -> int:
    """Find the width of the features: some image networks do not declare it."""
    size = model.visual.image_size
    side = size if isinstance(size, int) else size[0]
    with torch.no_grad():
        return int(model.visual(torch.zeros(1, 3, side, side)).shape[1])


def _quick_gelu(architecture: str, pretrained: str | None) -> bool:
    """Whether weights are OpenAI's: they need another activation than the models of the same name."""
    known = open_clip.get_pretrained_cfg(architecture, pretrained) if pretrained else {}
    return bool(known.get("quick_gelu"))


@contextmanager
def _quietly() -> Iterator[None]:
    """Silence open_clip's warning that no weights were loaded: here that is intended."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
