"""The matcher: it compares as a search does, and its head folded reads maps as they are."""

import numpy as np
import torch

from model.local import matching
from model.local.parts import Parts, centres
from model.training.losses.encodings import PHOTO, SKETCH
from tests.kit.parts import objective


def test_the_folded_head_gives_the_same_cells() -> None:
    made = objective()
    matcher = made.matcher
    # Weights that do something everywhere.
    torch.manual_seed(1)
    for each in matcher.head.parameters():
        torch.nn.init.normal_(each, std=0.1)
    maps = made._tables["photos"](np.arange(4))
    with torch.no_grad():
        wanted, found = matcher.cells(maps), matcher.folded()(maps)
    assert wanted.std() > 0.01
    assert torch.allclose(wanted, found, atol=1e-5)


def test_scores_are_those_of_a_search() -> None:
    made = objective()
    matcher = made.matcher
    with torch.no_grad():
        drawn = matcher.coarse(matcher.cells(made._tables["sketches"](np.arange(3))))
        shown = matcher.coarse(matcher.cells(made._tables["photos"](np.arange(5))))
        inked = (torch.arange(3 * 16).view(3, 16) % 3 > 0).float()
        weights, photos = matcher.weights(drawn, inked), matcher.tokens(shown, PHOTO)
        found = matcher.scores(matcher.tokens(drawn, SKETCH), weights, photos)
    tokens = matcher.tokens(drawn, SKETCH).detach().numpy()
    away = matching.apart(centres(4), centres(4), float(matcher.cost.detach()))
    for number in range(3):
        parts = Parts(tokens[number], centres(4), weights[number].numpy(), 4)
        wanted = matching.scores(parts, photos.numpy(), away)
        assert np.allclose(found[number].numpy(), wanted, atol=1e-5)
