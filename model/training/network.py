"""A learner and a method as one module, which a run trains, averages, saves and publishes."""

from torch import Tensor, nn

from model.methods import METHODS
from model.training.learners import clip, lite
from model.training.learners.base import Learner
from model.training.methods.base import Method
from model.training.recipe import Recipe


class Network(nn.Module):
    """The learner's parameters learn at the tower's rate, the method's at the heads' rate."""

    # The order matters: gradient clipping adds up the parts of the norm in this order.
    def __init__(self, method: Method, learner: Learner) -> None:
        super().__init__()
        self.method = method
        self.learner = learner

    def embed(self, inputs: Tensor, modality: Tensor) -> Tensor:
        """Compute the unit vectors that an index would hold."""
        return self.method.embed(self.learner, inputs, modality)

    def groups(self, recipe: Recipe) -> list[dict[str, object]]:
        """Group the parameters by rate for the optimiser; the tower's biases and norms have no weight decay."""
        tower = [value for value in self.learner.parameters() if value.requires_grad]
        heads = [value for value in self.method.parameters() if value.requires_grad]
        decays = recipe.weight_decay
        groups: list[dict[str, object]] = [
            {"params": [v for v in tower if v.ndim > 1], "rate": recipe.tower_rate, "weight_decay": decays},
            {"params": [v for v in tower if v.ndim <= 1], "rate": recipe.tower_rate, "weight_decay": 0.0},
            {"params": heads, "rate": recipe.head_rate, "weight_decay": decays},
        ]
        return [group for group in groups if group["params"]]


def build(recipe: Recipe, *, random_weights: bool = False) -> Network:
    """Build the network of a recipe with its pretrained towers; random ones are for tests.

    Towers, the method's heads, the learner's: the order determines what a seed gives.
    """
    if recipe.towers == "open_clip":
        model, tokenizer = clip.towers(recipe, random_weights=random_weights)
        return Network(method_of(recipe), clip.ClipLearner(model, tokenizer))
    backbone, words = lite.towers(recipe, random_weights=random_weights)
    return Network(method_of(recipe), lite.LiteLearner(backbone, words, recipe))


def method_of(recipe: Recipe) -> Method:
    kind: type[Method] = METHODS.load(recipe.method)
    return kind(recipe.options, recipe.dimension)
