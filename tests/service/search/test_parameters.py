"""Search parameters: one declaration each, from which everybody takes them."""

import json
import re
import typing
from dataclasses import replace

import httpx
import pytest
from click import Context

from scripts.client_options import OPTIONS, options
from service.cli import main
from service.client.options import SearchOptions
from service.problems import ServiceError
from service.search.parameters import PARAMETERS
from service.search.parameters.values import BadParameter, SearchParams
from service.search.query import PICTURES, Kind, Part, Query
from tests.kit.service.servers import LiveServer


def test_the_model_the_document_the_command_the_client_and_the_page_know_the_same(
    live_server: LiveServer,
) -> None:
    names = list(PARAMETERS)
    assert list(SearchParams.model_fields) == names
    document = httpx.get(f"{live_server.url}/openapi.json").json()
    asked_for = document["paths"]["/search"]["get"]["parameters"]
    assert [one["name"] for one in asked_for] == names
    form = document["paths"]["/search"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert list(form["schema"]["properties"]) == [*PICTURES, *names]
    command = main.get_command(Context(main), "search")
    assert command is not None
    assert set(names) <= {str(option.name) for option in command.params}
    assert list(typing.get_type_hints(SearchOptions)) == [*PICTURES, *names]
    page = httpx.get(live_server.url).text
    embedded = re.search(r'<script type="application/json" id="parameters">(.*?)</script>', page, re.DOTALL)
    assert embedded
    # FastAPI leaves defaults of null out.
    assert json.loads(embedded[1]) == {one["name"]: {"default": None} | one["schema"] for one in asked_for}


def test_choices_carry_their_labels_and_only_those_there_are() -> None:
    rank = PARAMETERS.load("rank")
    assert rank.choices is not None
    declared = SearchParams.model_json_schema()["properties"]["rank"]["anyOf"][0]
    assert declared["enum"] == list(rank.choices())
    assert declared["x-labels"] == {name: rank.labels[name] for name in rank.choices() if name in rank.labels}
    assert declared["x-labels"]["plain"] == "By score alone"


def test_the_client_s_keywords_are_those_of_the_declarations() -> None:
    assert OPTIONS.read_text("utf-8") == options(), "run python scripts/client_options.py"


@pytest.mark.parametrize("name", PARAMETERS.names)
def test_a_default_is_within_its_own_bounds_and_changes_no_query(name: str) -> None:
    parameter = PARAMETERS.load(name)
    query = Query((Part(Kind.SKETCH, b"s", 1), Part(Kind.PHOTO, b"p", 1)))
    if parameter.default is None:
        assert getattr(SearchParams(), name) is None
    else:
        assert getattr(SearchParams.read({name: str(parameter.default)}), name) == parameter.default
        assert parameter.apply(query, parameter.default) == query


def test_what_is_not_given_is_not_applied_and_what_is_empty_counts_as_not_given() -> None:
    query = Query((Part(Kind.SKETCH, b"s", 1),))
    assert SearchParams().applied(query) == query
    assert SearchParams.read({"text": " ", "folder": "", "rank": ""}).applied(query) == query
    assert SearchParams.read({"k": "3", "rank": "plain"}).applied(query) == replace(query, k=3, rank="plain")


def test_an_error_names_the_parameter_and_says_what_it_may_be_in_one_line() -> None:
    for said, line in (
        ({"rank": "magic"}, "rank: unknown name 'magic'; known: plain, collection"),
        ({"after": "yesterday"}, "after: cannot read 'yesterday' as a date; write 2024, "),
        ({"k": "0"}, "k: must be at least 1"),
        ({"k": "x"}, "k: must be a whole number"),
        ({"min_score": "nan"}, "min_score: must be "),
        ({"tekst": "a"}, "tekst: is not a parameter"),
    ):
        with pytest.raises(BadParameter) as refused:
            SearchParams.read(said)
        assert str(refused.value).startswith(line)
        assert (refused.value.code, refused.value.status) == ("invalid_request", 422)
    with pytest.raises(BadParameter) as long:
        SearchParams.read({"x" * 10_000: "y"})
    assert len(str(long.value)) < 500


def test_a_list_of_photos_is_one_part() -> None:
    query = SearchParams.read({"like": " a, -b ,c"}).query({})
    assert query.parts == (Part(Kind.LIKE, "a,-b,c", 1),)
    for like, reason in (
        ("a,,b", "an id is empty"),
        ("a,-", "an id is empty"),
        ("a,-a", "an id is given twice"),
        (",".join(f"{number:x}" for number in range(17)), "17 ids; at most 16"),
    ):
        with pytest.raises(BadParameter, match=f"^like: {reason}"):
            SearchParams.read({"like": like})


def test_weights_belong_to_their_parts_whatever_the_order() -> None:
    params = SearchParams.read({"like_weight": "-1", "photo_weight": "0", "like": "7"})
    query = params.query({Kind.PHOTO: b"p"})
    assert query.parts == (Part(Kind.PHOTO, b"p", 0), Part(Kind.LIKE, "7", -1))
    with pytest.raises(ServiceError, match="all weights are zero"):
        SearchParams(photo_weight=0).query({Kind.PHOTO: b"p"})
