"""Options of a training method: a part of the recipe, validated with it."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Fields(BaseModel):
    """Some options, which never change; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # Those that came later: left out of a recipe at their defaults, so that its digest stays as it was.
    later: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, object]:
        found: dict[str, object] = dump(self)
        fields = type(self).model_fields
        at_default = {name for name in self.later if getattr(self, name) == fields[name].default}
        return {name: value for name, value in found.items() if name not in at_default}


class Options(Fields):
    """Each method has its own subclass, whose fields have defaults."""

    def check(self, towers: str) -> None:
        """Raise ValueError if these options do not work with the recipe's towers."""
