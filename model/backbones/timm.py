"""timm's networks, both CNNs and ViTs, by architecture name."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timm
from torch import Tensor, nn

from model.backbones import packages, weights
from model.backbones.base import DEFAULT, Backbone, Built, Classifier, ImageTower, Level, is_file
from model.backbones.stages import stages_of
from model.errors import BadWeights, ModelError
from model.pictures.preprocessing import FILTERS, Preprocessing

if TYPE_CHECKING:
    from model.card import Checkpoint

# Networks whose weights come with an installed package, so that no model hub is needed.
PACKAGES = {"tf_efficientnet_lite1": packages.LITE1, "tf_efficientnet_lite2": packages.LITE2}


class Timm(Backbone):
    """Any architecture of the installed timm. Weights are named by timm's tags (`a1_in1k` in `resnet50.a1_in1k`)."""

    small = ("test_efficientnet", "test_vit")

    def build(self, architecture: str, pretrained: str | None = None, size: int | None = None) -> Built:
        if not timm.is_model(architecture):
            raise ModelError(
                f"{architecture!r} is not an architecture of the installed timm: pip install --upgrade timm"
            )
        if pretrained == DEFAULT and architecture in PACKAGES:
            return self._built(architecture, packages.find(PACKAGES[architecture]), size)
        if is_file(pretrained):
            return self._built(architecture, Path(str(pretrained)), size)
        return described(_made(architecture, pretrained), size)

    def pretrained(self, architecture: str, path: Path) -> nn.Module:
        """Build a network with weights from a file, as its authors published them."""
        return self._built(architecture, path, None).network

    def _built(self, architecture: str, path: Path, size: int | None) -> Built:
        try:
            network, classifier = pretrained(architecture, weights.read(path))
            return replace(described(network, size), classifier=classifier)
        except OSError as error:
            raise BadWeights(f"{path}: cannot be read ({error.strerror}); check the path") from None

    def image_tower(self, checkpoint: "Checkpoint") -> nn.Module:
        """Open the image tower; old cards may name a package's own file, without projection and timm's names."""
        path = checkpoint.file("torch.image")
        if path.suffix != ".pth":
            return super().image_tower(checkpoint)
        network = self.pretrained(checkpoint.card.image_tower.architecture, path)
        how = checkpoint.card.preparation
        return ImageTower(network, None, how.mean, how.std).eval()


def pretrained(name: str, tensors: dict[str, Tensor]) -> tuple[nn.Module, Classifier | None]:
    """Build a network from an ImageNet file; if its names are not timm's, tensors are assigned in timm's order."""
    classifier = timm.create_model(name, pretrained=False)
    names = list(classifier.state_dict())
    if len(names) != len(tensors):
        raise BadWeights(
            f"{name} has {len(names)} tensors, but the file has {len(tensors)}: these are not its weights"
        )
    if set(names) != set(tensors):
        tensors = dict(zip(names, tensors.values(), strict=True))
    weights.load(classifier, tensors, Path(name))
    last = classifier.get_classifier()
    whole = isinstance(last, nn.Linear)
    found = Classifier(last.weight.detach().clone(), last.bias.detach().clone()) if whole else None
    classifier.reset_classifier(0)
    return classifier, found


def described(network: Any, size: int | None = None) -> Built:
    """Read a network's width, size, preprocessing and levels from timm."""
    config = getattr(network, "pretrained_cfg", None) or {}
    native = (config.get("input_size") or (3, 224, 224))[-1]
    if size not in (None, native) and config.get("fixed_input_size") and hasattr(network, "set_input_size"):
        # Such a network has a fixed number of patches; this interpolates its position embeddings.
        network.set_input_size((size, size))
    info = getattr(network, "feature_info", None) or []
    levels = tuple(Level(each["module"], each["num_chs"], each["reduction"]) for each in info)
    mapped = levels if hasattr(network, "forward_intermediates") else ()
    return Built(
        network=network,
        # Some networks have a layer before their classifier that `num_features` ignores.
        width=int(getattr(network, "head_hidden_size", None) or network.num_features),
        size=size or native,
        preprocessing=_preprocessing(config),
        stages=stages_of(network),
        levels=mapped,
        maps=_maps(network) if mapped else None,
    )


def _made(architecture: str, pretrained: str | None) -> nn.Module:
    name = architecture if pretrained in (None, DEFAULT) else f"{architecture}.{pretrained}"
    try:
        network: nn.Module = timm.create_model(name, pretrained=pretrained is not None, num_classes=0)
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"the weights {pretrained!r} of {architecture} are not available ({str(error).splitlines()[0]}); "
            "connect to the model hub once to download them, or set `pretrained` to a local file"
        ) from error
    return network


def _preprocessing(config: Any) -> Preprocessing:
    """The preprocessing of its training, but with whole photos: what is cut off cannot be found."""
    chosen = config.get("interpolation")
    return Preprocessing(
        photo_filter=chosen if chosen in FILTERS else "bicubic",
        mean=tuple(config.get("mean", Preprocessing.mean)),
        std=tuple(config.get("std", Preprocessing.std)),
    )


def _maps(network: Any) -> Any:
    def maps(pictures: Tensor, levels: Sequence[int]) -> list[Tensor]:
        found: list[Tensor] = network.forward_intermediates(
            pictures, indices=list(levels), intermediates_only=True
        )
        return found

    return maps
