"""MiniLM, the text tower of models whose family has none: sentences to vectors."""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from model.backbones import weights


class TextTower(nn.Module):
    """Turns token ids into unit sentence vectors: MiniLM, averaged over the tokens."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hidden = self.backbone(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        return F.normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1)


def minilm(path: Path) -> TextTower:
    """Load a MiniLM from its safetensors file and the config.json next to it."""
    from transformers import BertConfig, BertModel

    config = BertConfig.from_json_file(str(path.with_name("config.json")))
    backbone = BertModel(config, add_pooling_layer=False)
    tensors = {key: value for key, value in weights.read(path).items() if not key.startswith("pooler.")}
    tensors.pop("embeddings.position_ids", None)
    weights.load(backbone, tensors, path)
    return TextTower(backbone).eval()
