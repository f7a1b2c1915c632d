"""CAAE: a photo's vector is generated from a sketch's, with codes that an adversary holds to N(0, 1).

The other method of Yelamarthi et al. (ECCV 2018), which is not in their code: their CVAE, in which a discriminator that
tells codes from draws takes the divergence's place. It learns in the same step as all else, where the authors train by
turns. Codes are the encoder's means, without a draw.
"""

import torch
from torch import Tensor

from model.training.blocks.adversary import CROSS_ENTROPY, contest
from model.training.blocks.mlp import mlp
from model.training.methods.cvae import Cvae, CvaeOptions


class CaaeOptions(CvaeOptions):
    """`code_weight` is the adversary's. The means of codes are not bounded: draws are not, either."""


class Caae(Cvae):
    options = CaaeOptions
    title = "CAAE"
    prior = "adversary"

    def __init__(self, options: CaaeOptions, dimension: int) -> None:
        super().__init__(options, dimension)
        self.adversary = mlp((options.code, options.code, options.code, 1))
        self.code.log_variance.requires_grad_(False)

    def _coded(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        codes = self.code.mean(hidden).float()
        return codes, contest(self.adversary, torch.randn_like(codes), codes, CROSS_ENTROPY)
