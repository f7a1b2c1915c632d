"""Networks small enough for a test, by name: one of timm's making for 0.1's folders, and models of open_clip's kind."""

from typing import Any

import torch
from timm.models._efficientnet_builder import decode_arch_def
from timm.models._registry import register_model
from timm.models.efficientnet import EfficientNet


@register_model
def tiny_lite_test(pretrained: bool = False, **options: Any) -> EfficientNet:
    """The network of tests/model/export/old/lite: shaped like the shipped one, 4,000 numbers large."""
    blocks = decode_arch_def([["ds_r1_k3_s1_e1_c8"], ["ir_r1_k3_s2_e2_c16"]])
    return EfficientNet(
        blocks, num_features=32, stem_size=8, act_layer=torch.nn.ReLU6, num_classes=options["num_classes"]
    )
