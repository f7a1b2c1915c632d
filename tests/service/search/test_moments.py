"""Dates as people write them, on the command line and over HTTP."""

from pathlib import Path

import httpx
import pytest

from service.search.parameters.moments import moment
from tests.kit.service.commands import refused, sketchseek
from tests.kit.service.servers import LiveServer


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2020", "2020"),
        ("2020-12", "2020-12"),
        ("2020-12-31", "2020-12-31"),
        ("2020-12-31 18:00", "2020-12-31T18:00"),
        ("2020-12-31t18", "2020-12-31T18"),
        ("2020-12-31T18:00:01.500", "2020-12-31T18:00:01.5"),
        ("2020-1-5", "2020-01-05"),
        ("2020/12/31", "2020-12-31"),
        ("2020/12", "2020-12"),
        ("2020.12.31", "2020-12-31"),
        ("31.12.2020", "2020-12-31"),
        ("1. 2. 2020", "2020-02-01"),
        ("31.12.2020 18:00", "2020-12-31T18:00"),
        ("12.2020", "2020-12"),
        ("Dec 2020", "2020-12"),
        ("  december   2020 ", "2020-12"),
        ("31 Dec 2020", "2020-12-31"),
        ("31. December 2020", "2020-12-31"),
        ("Dec 31, 2020", "2020-12-31"),
        ("May 1st 2020 08:30", "2020-05-01T08:30"),
        ("Oct. 2020", "2020-10"),
        ("Sept 3, 2020", "2020-09-03"),
    ],
)
def test_common_forms(written: str, stored: str) -> None:
    assert moment(written) == stored


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("31/12/2020", "dates with slashes can be read in two ways; write 2020-12-31"),
        ("03/04/2020", "dates with slashes can be read in two ways; write 2020-03-04 or 2020-04-03"),
        ("31/31/2020", "there is no date '31/31/2020'; write 2024, "),
        ("yesterday", "cannot read 'yesterday' as a date; write 2024, 2024-07, 2024-07-31, 31.07.2024, "),
        ("2024-13", "there is no date '2024-13'; write "),
        ("30.02.2024", "there is no date '30.02.2024'; write "),
        ("2024-W01-1", "cannot read '2024-W01-1'"),
        ("31.12.20", "cannot read '31.12.20'"),
        ("Foo 2020", "cannot read 'Foo 2020'"),
        ("Dec 2020 18:00", "cannot read 'Dec 2020 18:00'"),
        ("2024-07-31T18:00Z", "cannot read '2024-07-31T18:00Z' as a date; "),
        ("x" * 5000, "cannot read 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' as a date; "),
        ("٢٠٢٤", "cannot read "),
    ],
)
def test_what_is_no_date_or_two_is_refused_with_advice(written: str, said: str) -> None:
    with pytest.raises(ValueError) as error:
        moment(written)
    assert str(error.value).startswith(said)
    # An error of the API repeats this much of it.
    assert len(str(error.value)) <= 200


def test_the_command_and_the_service_say_so(index: Path, live_server: LiveServer) -> None:
    search = ("search", "--text", "a fish", "--after", "03/04/2020")
    advice = "dates with slashes can be read in two ways; write 2020-03-04 or 2020-04-03"
    refused(sketchseek(*search, "--index", index), f"--after: {advice}")
    refused(sketchseek(*search, "--server", live_server.url), f"after: {advice}")
    answer = httpx.get(f"{live_server.url}/search", params={"text": "a fish", "before": "31.12.1999"})
    assert (answer.status_code, answer.json()["results"]) == (200, [])
