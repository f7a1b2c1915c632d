"""What browsing takes: the filters of a search, which photos are hidden, and a page."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, create_model

from indexer.marks import Marked
from indexer.values import Filter
from service.search.parameters import FILTERS, PARAMETERS
from service.search.parameters.values import Checked, applied, declared
from service.search.query import Query

_MONTH = r"^([0-9]{4}-[0-9]{2})?$"

if TYPE_CHECKING:
    _Filters = Checked
else:
    fields = {name: declared(PARAMETERS.load(name)) for name in FILTERS}
    _Filters = create_model("_Filters", __base__=Checked, **fields)


class Chosen(_Filters):
    """Which photos to look at."""

    hidden: bool = Field(False, description="Only hidden photos, which are left out otherwise.")

    def where(self, marked: Marked) -> Filter | None:
        query = applied({name: value for name, value in self.given.items() if name in FILTERS}, Query(()))
        return marked.among(query.where, favourites=query.favourites, hidden=self.hidden)


class Paged(Chosen):
    """Which photos to list."""

    month: Annotated[str, Field(pattern=_MONTH)] | None = Field(
        None,
        description="Only photos of this month, as the timeline names it; empty for those without a date.",
        examples=["2019-07"],
    )
    offset: int = Field(0, ge=0, le=10_000_000, description="Skip this many of the newest.")
    k: int = Field(100, ge=1, le=500, description="How many photos to list.")
