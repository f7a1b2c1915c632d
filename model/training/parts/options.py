"""What a training of local parts can be asked to do differently; the defaults are those of the shipped model."""

import hashlib

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """Sizes of the head, of a batch, and of the steps."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # The stages of the tower that the head reads, and its own sizes.
    stages: tuple[int, ...] = (2, 3, 4, 6)
    hidden: int = Field(192, ge=1)
    width: int = Field(64, ge=2)
    blocks: int = Field(1, ge=0)
    # How many four-bit numbers an index keeps of each token.
    numbers: int = Field(40, ge=2, multiple_of=2)
    steps: int = Field(1000, ge=1)
    seed: int = 0
    # A batch: so many labels and drawings of each with their own photos, drawings made of photos, and other drawings.
    labels: int = Field(4, ge=0)
    per_label: int = Field(6, ge=2)
    pseudo: int = Field(28, ge=0)
    loose: int = Field(12, ge=0)
    # What the losses count beside that of own photos.
    places: float = Field(0.5, ge=0)
    classes: float = Field(0.3, ge=0)
    rate: float = Field(2e-3, gt=0)
    warm_up: int = Field(40, ge=1)
    average: float = Field(0.99, ge=0, lt=1)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]
