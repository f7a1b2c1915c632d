"""open_clip's models: made by name, kept in open_clip's own layout, and parted into the towers that engines run.

A published folder holds `open_clip_config.json` and `open_clip_model.safetensors`, so that
`open_clip.create_model("local-dir:FOLDER")` opens it as well.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import open_clip
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from model.errors import BadWeights, ModelError

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
CONTEXT = 77
BYTE_PAIRS = Path(open_clip.tokenizer.default_bpe())


class ClipImages(nn.Module):
    """Picture bytes to unit embeddings."""

    mean: Tensor
    std: Tensor

    def __init__(self, visual: Any) -> None:
        super().__init__()
        self.visual = visual
        for name, values in (("mean", visual.image_mean), ("std", visual.image_std)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, size, size, 3) bytes, as every image tower of ours takes them."""
        scaled = (pixels.permute(0, 3, 1, 2).float() - self.mean) / self.std
        return F.normalize(self.visual(scaled).float(), dim=-1)


class ClipTexts(nn.Module):
    """Token ids to unit embeddings; where a text ends, its last token tells, so that no mask is needed."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        return F.normalize(self.model.encode_text(ids).float(), dim=-1)


def create(architecture: str, pretrained: str | None) -> Any:
    """An open_clip model with the weights of a tag or a file; without either, random ones."""
    if architecture not in open_clip.list_models():
        raise ModelError(f"open_clip knows no model {architecture!r}: see open_clip.list_models()")
    try:
        with _quietly():
            return open_clip.create_model(
                architecture,
                pretrained=pretrained,
                force_quick_gelu=_quick_gelu(architecture, pretrained),
                pretrained_text=False,
            )
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"the weights {pretrained!r} of {architecture} cannot be had ({str(error).splitlines()[0]}); "
            "connect to the model hub once, or set `pretrained` to a local file"
        ) from error


def tokenizer(architecture: str) -> Callable[[list[str]], Tensor]:
    """What the model's makers split words with."""
    made: Callable[[list[str]], Tensor] = open_clip.get_tokenizer(architecture)
    return made


def described(architecture: str, pretrained: str | None, model: Any) -> str:
    """What `open_clip_config.json` shall say."""
    config = open_clip.get_model_config(architecture) or {}
    if _quick_gelu(architecture, pretrained):
        config["quick_gelu"] = True
    looks = {"mean": model.visual.image_mean, "std": model.visual.image_std}
    return json.dumps({"model_cfg": config, "preprocess_cfg": looks}, indent=1) + "\n"


def reads_byte_pairs(architecture: str) -> bool:
    """Whether words go in as CLIP's own byte pairs, rather than through a tokenizer of a model hub."""
    words = (open_clip.get_model_config(architecture) or {}).get("text_cfg", {})
    others = words.get("hf_tokenizer_name") or words.get("tokenizer_kwargs")
    return not others and words.get("context_length", 77) == CONTEXT


def opened(config: Path, tensors: dict[str, Tensor]) -> Any:
    """The model that a published folder holds, ready to run."""
    try:
        with _quietly():
            model = open_clip.create_model(f"local-dir:{config.parent}", load_weights=False)
        model.load_state_dict({name: value.float() for name, value in tensors.items()}, strict=True)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        told = [line.strip() for line in str(error).splitlines()]
        raise BadWeights(
            f"{config.parent}: not an open_clip model that this version reads: {' '.join(told[:2])}"
        ) from error
    return model.eval()


def _quick_gelu(architecture: str, pretrained: str | None) -> bool:
    """OpenAI's weights were trained with another activation than the models of the same name."""
    known = open_clip.get_pretrained_cfg(architecture, pretrained) if pretrained else {}
    return bool(known.get("quick_gelu"))


@contextmanager
def _quietly() -> Iterator[None]:
    """Without open_clip's warning that no weights were loaded: here that is meant."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
