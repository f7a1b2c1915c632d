"""The values of search parameters: read from text or JSON, validated by their declarations, applied to a query."""

from collections.abc import Iterable, Mapping
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

from service.problems import ServiceError, plainly
from service.search.parameters import PARAMETERS, Parameter
from service.search.query import Kind, Part, Query

# How much of a name or reason an error repeats: names come from the caller, and may be as long as a URL.
_SHOWN = 200


class BadParameter(ServiceError):
    """A parameter is unknown, given twice, or invalid."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name[:_SHOWN], reason[:_SHOWN]
        super().__init__("invalid_request", f"{self.name}: {self.reason}")


def repeated(name: str) -> BadParameter:
    return BadParameter(name, "was sent more than once; send it once")


def once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names and values, of which no name comes twice."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise repeated(name)
        found[name] = value
    return found


def _given(value: object) -> object:
    """Drop empty values: forms send fields that were not filled in."""
    return None if isinstance(value, str) and not value.strip() else value


def declared(parameter: Parameter[Any]) -> tuple[Any, Any]:
    """Declare a parameter as a pydantic field."""
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
    # The page shows a control for each labelled parameter.
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
    if labels := {name: parameter.labels[name] for name in schema["enum"] if name in parameter.labels}:
        schema["x-labels"] = labels
    return Annotated[annotation, AfterValidator(known), Field(json_schema_extra=schema)]


class Checked(BaseModel):
    """Parameters of a request: all are known, and valid."""

    # Made when first needed: of those that inherit from one another, only the last is.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @classmethod
    def read(cls, said: Mapping[str, object]) -> Self:
        """Validate parameters; raises BadParameter for the first invalid one."""
        try:
            return cls.model_validate(said)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "request"
            raise BadParameter(name, plainly(first)) from None

    @property
    def given(self) -> dict[str, Any]:
        """The parameters that were given, by name."""
        return {name: value for name in self.model_fields_set if (value := getattr(self, name)) is not None}


def applied(given: Mapping[str, Any], query: Query) -> Query:
    """Apply parameters to a query, in the registry's order."""
    for name, parameter in _PARAMETERS.items():
        if name in given:
            query = parameter.apply(query, given[name])
    return query


_PARAMETERS = {name: PARAMETERS.load(name) for name in PARAMETERS}
if TYPE_CHECKING:
    _Declared = Checked
else:
    fields = {name: declared(parameter) for name, parameter in _PARAMETERS.items()}
    _Declared = create_model("_Declared", __base__=Checked, **fields)


class SearchParams(_Declared):
    """Everything a search takes besides its pictures, in the URL or as form fields: one field per parameter."""

    def query(self, pictures: Mapping[Kind, bytes | Path]) -> Query:
        """The query that these and pictures make together; refused if nothing is searched for."""
        query = self.applied(Query(tuple(Part(kind, value, 1) for kind, value in pictures.items() if value)))
        if not query.parts:
            detail = "nothing to search for: send a sketch, a photo, text, or the id of a photo as `like`"
            raise ServiceError("empty_query", detail)
        if all(part.weight == 0 for part in query.parts):
            raise ServiceError("empty_query", "all weights are zero: set at least one weight")
        return query

    def applied(self, query: Query) -> Query:
        """Apply everything that was given to the query."""
        return applied(self.given, query)
