"""How errors of Ray are told; the rest of it needs a cluster, see tests/service/commands/test_index_ray.py."""

import re
import socket
from typing import Any

import pytest
import ray

from indexer.cluster.ray import Refused, _connect, _first_line, _why


def test_another_version_is_told_in_one_line() -> None:
    """In Ray's own words, so that a new release that puts them otherwise is noticed."""
    from ray._private.utils import check_version_info

    with pytest.raises(RuntimeError) as raised:
        check_version_info({"ray_version": "2.9.0", "python_version": "3.10.4"}, "10.0.0.7")
    told = _why("head:6379", raised.value)
    assert told.startswith("the Ray cluster at head:6379 runs Ray 2.9.0 and Python 3.10.4, this machine Ray ")
    assert f"Ray {ray.__version__} and Python 3." in told
    assert told.endswith("install the same everywhere")


def test_other_errors_are_told_by_their_first_line() -> None:
    told = _why("auto", ConnectionError("Could not find any running Ray instance.\nMore of it"))
    assert told == (
        "no connection to the Ray cluster at auto: Could not find any running Ray instance; check it with ray status"
    )
    remote = (
        "\x1b[36mray::embed()\x1b[39m (pid=7)\nTraceback (most recent call last):\n  here\nOSError: no disk"
    )
    assert _first_line(RuntimeError(remote)) == "OSError: no disk"
    assert _first_line(RuntimeError()) == "RuntimeError"


@pytest.mark.parametrize("address", ["local", "head", "http://head:1", "head:1:2", ":6379", "head:port", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Refused, match=r"give HOST:PORT, ray://HOST:PORT, or auto"):
        _connect(address)


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_where_nothing_answers_is_refused_at_once(scheme: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(ray, "init", lambda **_: pytest.fail("nothing is there to connect to"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"{scheme}127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Refused, match=rf"no Ray cluster answers at {re.escape(address)} \(.*ray start"):
            _connect(address)
    with pytest.raises(Refused, match="no Ray cluster answers"):
        _connect(f"{scheme}127.0.0.1:99999")
