"""ViTs of timm with the tokenizer and the token selection of ZSE-SBIR (Lin et al., CVPR 2023).

An architecture is the name of a ViT with one class token, here [Ret], and patches of 16 pixels; `NAME:0.9` keeps nine
tenths of the patches after each of its blocks 4, 7 and 10, those that [Ret] attends to most. The released code has
selection off, and returns the wrong tensor where it is on; this follows the paper.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import timm
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from model.backbones import weights
from model.backbones.base import DEFAULT, Backbone, Built, is_file
from model.backbones.tokens import Tokens, tokens_kept
from model.errors import ModelError
from model.pictures.preprocessing import Preprocessing

_PATCH = 16
_SELECTING = (4, 7, 10)


class Overlapping(Backbone):
    small = ("test_vit", "test_vit:0.5")

    def build(self, architecture: str, pretrained: str | None = None, size: int | None = None) -> Built:
        name, _, kept = architecture.partition(":")
        keep = _share(architecture, kept)
        if not timm.is_model(name):
            raise ModelError(
                f"{name!r} is not an architecture of the installed timm: pip install --upgrade timm"
            )
        try:
            found = timm.create_model(
                name, pretrained=pretrained == DEFAULT, num_classes=0, **({"img_size": size} if size else {})
            )
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise ModelError(
                f"{architecture}: timm cannot make it ({str(error).splitlines()[0]}); name a ViT, and for weights "
                "without a model hub, set `pretrained` to a local file"
            ) from error
        if (
            not isinstance(found, VisionTransformer)
            or found.num_prefix_tokens != 1
            or _patch(found) != _PATCH
        ):
            raise ModelError(f"{name} is not a ViT with one class token and patches of {_PATCH} pixels")
        if is_file(pretrained):
            weights.load(found, weights.read(Path(str(pretrained))), Path(str(pretrained)))
        network = RetVit(found, keep)
        mean = (0.5, 0.5, 0.5)
        return Built(
            network=network,
            width=int(found.num_features),
            size=size or int(found.patch_embed.img_size[0]),
            preprocessing=Preprocessing(mean=mean, std=mean),
        )


class Overlaps(nn.Sequential):
    """Convolutions that see beyond their patch: one column of `width` for every 16 x 16 pixels."""

    def __init__(self, width: int) -> None:
        layers: list[nn.Module] = []
        narrow = 3
        for wide, side in ((64, 7), (128, 3), (256, 3), (width, 3)):
            layers += [nn.Conv2d(narrow, wide, side, stride=2, padding=side // 2, bias=False), nn.ReLU()]
            narrow = wide
        super().__init__(*layers[:-1])


class RetVit(nn.Module):
    """A ViT whose class token is [Ret]; `forward` gives [Ret], `tokens` all that is left at the end."""

    def __init__(self, vit: VisionTransformer, keep: float = 1.0) -> None:
        super().__init__()
        self.keep = keep
        self.vit: Any = vit
        self.overlaps = Overlaps(vit.embed_dim)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.tokens(pictures).whole

    def tokens(self, pictures: Tensor) -> Tokens:
        vit = self.vit
        own, seen = vit.patch_embed(pictures), self.overlaps(pictures).permute(0, 2, 3, 1)
        # A ViT for pictures of any size has its patches as a map, others have them row by row.
        values = vit.norm_pre(vit._pos_embed((own + seen.reshape(own.shape)) / 2))
        count = values.shape[1] - 1
        places = torch.arange(count, device=values.device).expand(len(values), count)
        before = values
        for number, block in enumerate(vit.blocks, 1):
            before = values
            if self.keep == 1 or number not in _SELECTING:
                values = block(values)
                continue
            read = block.norm1(values)
            values = values + block.drop_path1(block.ls1(block.attn(read)))
            best = tokens_kept(attention_of_ret(block.attn, read), self.keep)
            places = places.gather(1, best)
            chosen = values[:, 1:].gather(1, best[..., None].expand(-1, -1, values.shape[-1]))
            values = torch.cat([values[:, :1], chosen], dim=1)
            values = values + block.drop_path2(block.ls2(block.mlp(block.norm2(values))))
        values = vit.norm(values)

        def attend() -> Tensor:
            last = vit.blocks[-1]
            return attention_of_ret(last.attn, last.norm1(before))

        # Where the last block is one that selects, it attends to more than is left.
        known = attend if before.shape == values.shape else None
        return Tokens(values[:, 0], values[:, 1:], places, math.isqrt(count), known)


def attention_of_ret(attention: Any, values: Tensor) -> Tensor:
    """How much [Ret], the first token, attends to each of the others, by head: (b, heads, n)."""
    batch, count, _ = values.shape
    split = attention.qkv(values).reshape(batch, count, 3, attention.num_heads, -1)
    queries, keys, _ = split.permute(2, 0, 3, 1, 4)
    weights_ = (attention.q_norm(queries[:, :, :1]) * attention.scale) @ attention.k_norm(keys).transpose(
        -1, -2
    )
    return cast(Tensor, weights_.softmax(dim=-1)[:, :, 0, 1:])


def _patch(vit: Any) -> int:
    size: int | Sequence[int] = vit.patch_embed.patch_size
    return size if isinstance(size, int) else size[0]


def _share(architecture: str, kept: str) -> float:
    try:
        keep = float(kept or 1)
    except ValueError:
        keep = 0.0
    if not 0 < keep <= 1:
        raise ModelError(f"{architecture!r}: the share of tokens to keep is a number above 0, at most 1")
    return keep
