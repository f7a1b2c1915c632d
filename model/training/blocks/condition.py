"""Conditions by modality: sketches and photos take the same way through the network, each a little changed."""

import torch
from torch import Tensor, nn

from model.training.losses.encodings import MODALITIES, PHOTO, SKETCH

_KINDS = 1 + max(PHOTO, SKETCH)


class Film(nn.Module):
    """FiLM (Perez et al., AAAI 2018) whose condition is the modality; it starts without effect."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(MODALITIES, channels))
        self.shift = nn.Parameter(torch.zeros(MODALITIES, channels))

    def forward(self, values: Tensor, modality: Tensor) -> Tensor:
        """Maps (n, channels, height, width) and the modality of each."""
        scale, shift = (table[modality][:, :, None, None] for table in (self.scale, self.shift))
        return values * scale + shift


class Prompt(nn.Module):
    """One number for each channel, of either modality or shared by both; it starts without effect.

    CLIP-AT learns tokens beside a picture's patches; a map has no room for tokens, so these are added to it.
    """

    def __init__(self, channels: int, *, shared: bool = False) -> None:
        super().__init__()
        self.added = nn.Parameter(torch.zeros(1 if shared else _KINDS, channels))

    def forward(self, values: Tensor, modality: Tensor) -> Tensor:
        """Maps (n, channels, height, width) or tokens (n, k, channels), and the modality of each picture."""
        added = self.added.expand(_KINDS, -1)[modality]
        return values + (added[:, :, None, None] if values.ndim == 4 else added[:, None, :])

    @torch.no_grad()
    def centre(self, tokens: Tensor, modality: Tensor) -> None:
        """Start as what takes the mean token of each modality away, of all tokens (n, k, channels) of some pictures."""
        for kind in range(len(self.added)):
            if bool((modality == kind).any()):
                self.added[kind] = -tokens[modality == kind].flatten(0, 1).mean(0)
