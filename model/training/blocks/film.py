"""A condition by modality: each channel of a map is scaled and shifted, otherwise for sketches than for photos."""

import torch
from torch import Tensor, nn

from model.training.losses.encodings import MODALITIES


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
