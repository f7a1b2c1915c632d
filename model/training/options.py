"""The options of a training method: a part of the recipe, validated with it."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Each method has a subclass of its own, whose fields have defaults; a key that is none of them is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def check(self, towers: str) -> None:
        """Raise ValueError if these options cannot be had with the recipe's towers."""
