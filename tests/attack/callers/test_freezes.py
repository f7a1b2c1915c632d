"""Single requests that would take the event loop for minutes, if they were not refused or bounded.

A refusal that comes at all is the outcome: what is sent here took its parsers for longer than any test waits.
"""

import asyncio

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from service.asgi import keys
from service.asgi.access import Access, Rules
from tests.kit.service.asking import PNG, problem
from tests.kit.service.servers import LiveServer, listening
from tests.kit.service.sockets import dial, heard

MUCH = 250_000
PUNY = b"x" * 700_000 + b"-" + b"a" * 300_000


def form(*parts: tuple[bytes, bytes], kind: str = "multipart/form-data; boundary=X") -> dict[str, object]:
    body = b"".join(
        b"--X\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + value + b"\r\n"
        for head, value in parts
    )
    return {"content": body + b"--X--\r\n", "headers": {"content-type": kind}}


SKETCH = (b'name="sketch"; filename="s.png"', PNG)


@pytest.mark.parametrize(
    "charset",
    ["punycode", "PUNYCODE", '"punycode"', "idna", "undefined", "utf-7", "rot13", "latin-1", "x" * 99],
)
def test_forms_in_any_other_charset_are_refused_before_they_are_parsed(
    live_server: LiveServer, charset: str
) -> None:
    kind = f"multipart/form-data; boundary=X; charset={charset}"
    with live_server.client() as client:
        for parts in ([(b'name="text-"', PUNY)], [(b'name="' + PUNY[-3000:] + b'"', b"x")], [SKETCH]):
            refused = client.post("/search", **form(*parts, kind=kind))  # type: ignore[arg-type]
            problem(refused, 415, "unsupported_media_type")
        assert client.get("/livez").status_code == 200


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8"])
def test_forms_in_utf_8_may_say_so(live_server: LiveServer, charset: str) -> None:
    kind = f"multipart/form-data; boundary=X; charset={charset}"
    with live_server.client() as client:
        answer = client.post("/search", **form(SKETCH, (b'name="k"', b"2"), kind=kind))  # type: ignore[arg-type]
    assert len(answer.json()["results"]) == 2


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([(b'name="n%d"' % number, b"x") for number in range(40)], 400),
        ([(b'name="f%d"; filename="a"' % number, b"x") for number in range(10)], 400),
        ([(b'name="text"', b"x" * MUCH)], 400),
        ([(b'name="' + b"n" * MUCH + b'"', b"x")], 400),
        ([(b'name="text"; filename="' + b"n" * MUCH + b'"', b"x")], 400),
        ([(b'name="text"' + b"; a" * (MUCH // 3), b"x")], 400),
        ([(b'name="text"' + b"\r\na: b" * 1000, b"x")], 400),
        ([(b'name="text"', b"x" * 2000)], 422),
    ],
    ids=["fields", "files", "text", "name", "filename", "parameters", "part headers", "a little too long"],
)
def test_what_a_form_may_hold_is_bounded(
    live_server: LiveServer, parts: list[tuple[bytes, bytes]], status: int
) -> None:
    with live_server.client() as client:
        code = "bad_request" if status == 400 else "invalid_request"
        problem(client.post("/search", **form(*parts)), status, code)  # type: ignore[arg-type]


def test_a_content_type_without_end(live_server: LiveServer) -> None:
    kind = "multipart/form-data; boundary=X" + "; a" * 4000
    with live_server.client() as client:
        problem(client.post("/search", **form(SKETCH, kind=kind)), 415, "unsupported_media_type")  # type: ignore[arg-type]


START = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
HEADS = {
    "blanks before an odd byte": START + b"a:" + b" " * MUCH + b"\x00",
    "tabs before an odd byte": START + b"a:" + b"\t" * MUCH + b"\x0b",
    "blanks that just fit": START + b"a:" + b" " * 16_000 + b"\x00\r\n\r\n" + b"x" * 70_000,
    "headers": START + b"a:\r\n" * (MUCH // 4),
    "address": b"GET /?" + b"a&" * (MUCH // 2) + b" HTTP/1.1\r\nHost: localhost",
    "path": b"GET /" + b"%2f" * (MUCH // 3) + b" HTTP/1.1\r\nHost: localhost",
    "method": b"M" * MUCH + b" / HTTP/1.1\r\nHost: localhost",
    "length": START + b"Content-Length: " + b"9" * MUCH,
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())
def test_heads_without_end_are_cut_off(live_server: LiveServer, head: bytes) -> None:
    with dial(live_server.url, b"", 10) as caller:
        try:
            caller.sendall(head + b"\r\n\r\n")
            assert heard(caller)[:12] == b"HTTP/1.1 400"
        except ConnectionError:
            pass  # cut off while it was still sending
    assert httpx.get(f"{live_server.url}/livez").status_code == 200


def test_a_trailer_of_blanks_is_no_better_than_a_head(live_server: LiveServer) -> None:
    chunks = b"POST /search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na:"
    with dial(live_server.url, b"", 10) as caller:
        for _ in range(8):
            with dial(live_server.url, chunks + b" " * 16_000 + b"\x00\r\n\r\n", 10):
                pass
        caller.sendall(START + b"Connection: close\r\n\r\n")
        assert heard(caller).startswith(b"HTTP/1.1 200")


def test_headers_and_parameters_are_counted(live_server: LiveServer) -> None:
    with live_server.client() as client:
        problem(client.get("/livez", headers=[(f"h{n}", "") for n in range(200)]), 400, "bad_request")
        problem(client.get("/search?" + "&".join(f"n{n}=" for n in range(100))), 400, "bad_request")
        problem(client.get("/index?" + "&" * 100), 400, "bad_request")
        assert client.get("/livez", headers=[(f"h{n}", "") for n in range(80)]).status_code == 200
        # A name is repeated to say what is wrong, but not as long as it likes.
        refused = client.get(f"/search?{'n' * 8000}=1")
        problem(refused, 422, "invalid_request")
        assert len(refused.content) < 1000


def test_values_without_end_are_looked_at_briefly(live_server: LiveServer) -> None:
    nines, photo = "9" * 14_000, "/photos/0000000000000000"
    with live_server.client() as client:
        for name in ("k", "min_score", "text_weight", "after", "like", "folder", "text", "fold_duplicates"):
            problem(client.get("/search", params={name: nines}), 422, "invalid_request")
        problem(client.get(f"/index?k={nines}"), 422, "invalid_request")
        problem(client.get(f"/photos/{nines}"), 422, "invalid_request")
        for name in ("range", "if-none-match", "if-modified-since", "if-range", "x-request-id", "accept"):
            for value in (nines, f"bytes={nines}-", "," * 14_000, "Mon, 1 Jan " + nines + " 00:00:00 GMT"):
                problem(client.get(photo, headers={name: value}), 404, "photo_not_found")
        for name in ("host", "origin", "forwarded", "x-forwarded-for", "cookie"):
            assert client.get("/livez", headers={name: ":," * 7000}).status_code in (200, 421)


def test_a_cookie_of_backslashes() -> None:
    """Without a server, whose limit for heads would spare it the worst."""
    _, entry = keys.make(admin=False)
    keyring = keys.read(entry, None)
    answers: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Message) -> None:
        answers.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    def status(cookie: bytes) -> int:
        scope = {"type": "http", "method": "GET", "path": "/info", "headers": [(b"cookie", cookie)]}
        asyncio.run(Access(app, Rules(keyring, loopback=True))(scope, receive, send))
        started = [message for message in answers if message["type"] == "http.response.start"]
        return int(started[-1]["status"])

    for cookie in (
        b'a="' + b'\\"' * 10**6 + b'"',
        b"a=b;" * 10**6,
        keys.COOKIE.encode() + b"=" + b"9." * 10**6,
    ):
        assert status(cookie) == 401
    ours = f"{keys.COOKIE}={keyring.session()}".encode()
    for cookie in (ours, b"other=1; " + ours, b'x="a b"; ' + ours + b"; y"):
        assert status(cookie) == 200


def test_methods_are_no_names_to_remember(live_server: LiveServer) -> None:
    with listening(live_server.gallery) as url, httpx.Client(base_url=url) as client:
        assert client.request("BREW", "/livez").status_code == 405
        assert client.request("BREW", "/nothing").status_code == 404
        client.get("/metrics")
        before = client.get("/metrics").text
        assert 'method="other",route="/livez",status="405"' in before
        for number in range(200):
            problem(client.request("M" * 8000 + str(number), "/livez"), 405, "method_not_allowed")
            client.request(f"N{number}", f"/nothing/{number}")
        after = client.get("/metrics").text
    assert "MMM" not in after
    assert len(after.splitlines()) <= len(before.splitlines())


def test_a_form_lets_others_have_their_turn(live_server: LiveServer) -> None:
    """Of 8 MB that look like boundaries everywhere, each piece is parsed by itself."""
    asked = 0
    near = form((b'name="sketch"; filename="s.png"', b"\r\n--X-q" * (2**20)))

    async def go() -> int:
        nonlocal asked
        async with httpx.AsyncClient(base_url=live_server.url, timeout=60) as client:
            hostile = asyncio.create_task(client.post("/search", **near))  # type: ignore[arg-type]
            while not hostile.done():
                assert (await client.get("/livez")).status_code == 200
                asked += 1
            return hostile.result().status_code

    assert asyncio.run(go()) == 422
    assert asked > 20


def test_callers_do_not_choose_how_long_a_line_of_the_log_is(
    live_server: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with listening(live_server.gallery, access_log=True) as url, httpx.Client(base_url=url) as client:
        client.request("M" * 8000, "/" + "%00" * 2000, headers={"x-forwarded-for": "f" * 8000})
        client.get("/livez", headers={"upgrade": "websocket", "connection": "upgrade"})
    ours = [record for record in caplog.records if record.name.startswith("sketchseek")]
    assert len(ours) >= 2
    for record in ours:
        assert len(record.getMessage()) < 1000
        assert all(len(str(value)) <= 200 for value in getattr(record, "fields", {}).values())
