"""The values of a search's parameters: read from any text or JSON, checked by their declarations, made a query."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
)

from service.problems import ServiceError
from service.search.parameters import PARAMETERS, Parameter
from service.search.query import Kind, Part, Query

# Letters of a name or a reason that an error repeats: names are the caller's own, and may be as long as an address.
_SHOWN = 200


class BadParameter(ServiceError):
    """A parameter is unknown, given twice, or not what it may be."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name[:_SHOWN], reason[:_SHOWN]
        super().__init__("invalid_request", f"{self.name}: {self.reason}")


def _given(value: object) -> object:
    """Forms send fields that nobody filled in as empty ones."""
    return None if isinstance(value, str) and not value.strip() else value


def _field(parameter: Parameter[Any]) -> tuple[Any, Any]:
    """A parameter as pydantic declares a field."""
    rules: dict[str, Any] = {"ge": parameter.least, "le": parameter.most, "max_length": parameter.longest}
    if parameter.kind is float:
        rules["allow_inf_nan"] = False
    annotation: Any = Annotated[parameter.kind, Field(**{n: v for n, v in rules.items() if v is not None})]
    if parameter.choices is not None:
        annotation = _one_of(annotation, parameter)
    if parameter.clean is not None:
        annotation = Annotated[annotation, AfterValidator(parameter.clean)]
    if parameter.default is None:
        annotation = annotation | None
        if parameter.kind is str:
            annotation = Annotated[annotation, BeforeValidator(_given)]
    examples = None if parameter.example is None else [parameter.example]
    # The page makes a control of what has a label.
    label: Any = None if parameter.label is None else {"x-label": parameter.label}
    field = Field(
        parameter.default, description=parameter.description, examples=examples, json_schema_extra=label
    )
    return annotation, field


def _one_of(annotation: Any, parameter: Parameter[Any]) -> Any:
    assert parameter.choices is not None
    choices = parameter.choices

    def known(value: str) -> str:
        if value not in choices():
            raise ValueError(f"unknown name {value!r}; known: {', '.join(choices())}")
        return value

    schema: dict[str, Any] = {"enum": list(choices())}
    return Annotated[annotation, AfterValidator(known), Field(json_schema_extra=schema)]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_PARAMETERS = {name: PARAMETERS.load(name) for name in PARAMETERS}
if TYPE_CHECKING:
    _Declared = _Checked
else:
    fields = {name: _field(parameter) for name, parameter in _PARAMETERS.items()}
    _Declared = create_model("_Declared", __base__=_Checked, **fields)


class SearchParams(_Declared):
    """All that a search takes beside its pictures, in the address or as fields of a form: a field per parameter."""

    @classmethod
    def read(cls, said: Mapping[str, object]) -> Self:
        """Raises BadParameter for the first that is not what it may be."""
        try:
            return cls.model_validate(said)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "request"
            raise BadParameter(name, str(first["msg"]).removeprefix("Value error, ")) from None

    @property
    def given(self) -> dict[str, Any]:
        """Those that someone set, by name."""
        return {name: value for name in self.model_fields_set if (value := getattr(self, name)) is not None}

    def query(self, pictures: Mapping[Kind, bytes | Path]) -> Query:
        """The query that these and pictures make together; refused if nothing is searched for."""
        query = self.applied(Query(tuple(Part(kind, value, 1) for kind, value in pictures.items() if value)))
        if not query.parts:
            detail = "nothing to search for: send a sketch, a photo, text, or the id of a photo as `like`"
            raise ServiceError("empty_query", detail)
        if all(part.weight == 0 for part in query.parts):
            raise ServiceError("empty_query", "all weights are zero: give something a weight")
        return query

    def applied(self, query: Query) -> Query:
        """The query with all that was given, in the order of the registry."""
        given = self.given
        for name, parameter in _PARAMETERS.items():
            if name in given:
                query = parameter.apply(query, given[name])
        return query
