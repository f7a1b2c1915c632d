"""Prompts: what is added to which channel of which picture."""

import torch

from model.training.blocks.condition import Prompt
from model.training.losses.encodings import PHOTO, SKETCH

KINDS = torch.tensor([PHOTO, SKETCH, SKETCH])


def filled(prompt: Prompt) -> Prompt:
    prompt.added.data.copy_(torch.arange(prompt.added.numel()).view_as(prompt.added) + 1)
    return prompt


def test_a_prompt_starts_without_effect() -> None:
    shown = torch.randn(3, 2, 4, 4)
    assert torch.equal(Prompt(2)(shown, KINDS), shown)


def test_each_modality_has_its_own_number_for_each_channel() -> None:
    added = filled(Prompt(2))(torch.zeros(3, 2, 4, 4), KINDS)
    wanted = torch.tensor([[1.0, 2.0], [3.0, 4.0], [3.0, 4.0]])
    assert torch.equal(added, wanted[:, :, None, None].expand(3, 2, 4, 4))


def test_tokens_have_their_channels_last() -> None:
    added = filled(Prompt(2))(torch.zeros(3, 5, 2), KINDS)
    wanted = torch.tensor([[1.0, 2.0], [3.0, 4.0], [3.0, 4.0]])
    assert torch.equal(added, wanted[:, None, :].expand(3, 5, 2))


def test_a_shared_prompt_is_the_same_for_both() -> None:
    prompt = filled(Prompt(2, shared=True))
    added = prompt(torch.zeros(3, 2, 1, 1), KINDS)
    assert prompt.added.shape == (1, 2)
    assert torch.equal(added.flatten(1), torch.tensor([[1.0, 2.0]]).expand(3, 2))


def test_it_can_start_by_taking_the_mean_token_of_each_modality_away() -> None:
    prompt = Prompt(4)
    shown = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(0)) + 5
    prompt.centre(shown, KINDS)
    left = prompt(shown, KINDS)
    for kind in (PHOTO, SKETCH):
        assert torch.allclose(left[kind == KINDS].mean(dim=(0, 1)), torch.zeros(4), atol=1e-5)
