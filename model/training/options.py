"""Options of a training method: a part of the recipe, validated with it."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Each method has its own subclass, whose fields have defaults; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def check(self, towers: str) -> None:
        """Raise ValueError if these options do not work with the recipe's towers."""
