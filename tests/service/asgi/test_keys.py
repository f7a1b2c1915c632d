"""Keys: who gets in with what, what only admins may, and what nobody may from elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from service.asgi import keys
from service.asgi.keys import BadKeys, Keyring
from service.cli import main
from tests.kit.service.asking import PNG, problem
from tests.kit.service.commands import refused, sketchseek
from tests.kit.service.servers import LiveServer, listening

READ, READ_ENTRY = keys.make(admin=False)
ADMIN, ADMIN_ENTRY = keys.make(admin=True)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def locked(live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service that asks for a key, over the index of the common one."""
    file = tmp_path_factory.mktemp("keys") / "keys.txt"
    file.write_text(f"# ours\n{ADMIN_ENTRY}  # laptop\n\n")
    with listening(live_server.gallery, api_keys=READ_ENTRY, api_keys_file=file) as url:
        yield url


def test_without_a_key_only_page_and_probes_are_open(locked: str) -> None:
    with httpx.Client(base_url=locked) as client:
        for address in ("/", "/web/app.js", "/livez", "/readyz", "/openapi.json"):
            assert client.get(address).status_code == 200, address
        for address in (
            "/info",
            "/metrics",
            "/photos/0",
            "/photos/0/thumbnail",
            "/nothing",
            "/admin/reindex",
        ):
            problem(client.get(address), 401, "no_key")
        refusal = client.post("/search", content=PNG)
        assert "Bearer" in problem(refusal, 401, "no_key")
        assert refusal.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers", [bearer(READ), bearer(ADMIN), {"x-api-key": READ}], ids=["read", "admin", "other header"]
)
def test_every_key_reads(locked: str, headers: dict[str, str]) -> None:
    with httpx.Client(base_url=locked, headers=headers) as client:
        result = client.post("/search?k=1", content=PNG).json()["results"][0]
        assert client.get(result["thumbnail_url"]).status_code == 200
        assert client.get("/info").json()["keys"] is True
        assert client.get("/metrics").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        bearer("wrong"),
        bearer(READ[:-1]),
        bearer(READ_ENTRY),
        {"authorization": READ},
        {"authorization": f"Basic {READ}"},
        {"x-api-key": ""},
        {"cookie": "sketchseek_session=99999999999.0"},
        {"cookie": f"sketchseek_session={READ}"},
        {"cookie": "sketchseek_session=x.y; ]]=["},
    ],
    ids=range(9),
)
def test_what_is_no_key(locked: str, headers: dict[str, str]) -> None:
    problem(httpx.get(f"{locked}/info", headers=headers), 401, "no_key")
    problem(httpx.post(f"{locked}/session", headers=headers), 401, "no_key")


def test_a_key_in_the_address_is_not_looked_at(locked: str) -> None:
    problem(httpx.get(f"{locked}/info?api_key={READ}&key={READ}"), 401, "no_key")


def test_only_admins_administer(locked: str) -> None:
    problem(httpx.post(f"{locked}/admin/reload", headers=bearer(READ)), 403, "admins_only")
    problem(httpx.get(f"{locked}/admin/reindex", headers=bearer(READ)), 403, "admins_only")
    reloaded = httpx.post(f"{locked}/admin/reload", headers=bearer(ADMIN)).json()
    assert (reloaded["swapped"], reloaded["photos"], reloaded["problem"]) == (False, 30, None)


def test_a_session_lets_the_page_search_and_show_but_not_administer(locked: str) -> None:
    with httpx.Client(base_url=locked) as client:
        begun = client.post("/session", headers=bearer(ADMIN))
        assert begun.status_code == 204
        cookie = begun.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert ADMIN not in cookie
        result = client.post("/search?k=1", content=PNG).json()["results"][0]
        assert client.get(result["thumbnail_url"]).status_code == 200
        problem(client.post("/admin/reload"), 401, "no_key")


def test_sessions_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1e9]
    monkeypatch.setattr(keys.time, "time", lambda: clock[0])
    ring = Keyring([keys.Key(keys.digest(READ), admin=False)])
    session = ring.session()
    assert ring.holds(session)
    assert not Keyring().holds(session)
    later = str(int(session.split(".")[0]) + 1)
    assert not ring.holds(f"{later}.{session.split('.')[1]}")
    clock[0] += keys.SESSION_SECONDS + 1
    assert not ring.holds(session)


@pytest.mark.parametrize("length", [0, 1, len(READ), 5_000])
def test_a_wrong_key_costs_what_a_right_one_does(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    """Each key is hashed once, and its hash compared with all there are, whichever fits: time tells nothing."""
    entries = [keys.make(admin=False) for _ in range(5)]
    ring = keys.read(",".join(entry for _, entry in entries), None)
    compared: list[tuple[int, int]] = []
    hashed: list[int] = []
    compare, sha256 = keys.hmac.compare_digest, keys.hashlib.sha256

    def comparing(one: str, other: str) -> bool:
        compared.append((len(one), len(other)))
        return compare(one, other)

    def hashing(data: bytes) -> object:
        hashed.append(len(data))
        return sha256(data)

    monkeypatch.setattr(keys.hmac, "compare_digest", comparing)
    monkeypatch.setattr(keys.hashlib, "sha256", hashing)
    for key in (entries[0][0], entries[-1][0], "x" * length, "\xff" * length, entries[2][0][:length]):
        compared.clear()
        hashed.clear()
        ring.find(key)
        assert compared == [(64, 64)] * 5
        assert hashed == [len(key.encode())]
    session = ring.session()
    until, _, signature = session.partition(".")
    for cookie in (
        session,
        f"{until}.{signature[:-1]}x",
        f"{until}.",
        "",
        ".",
        "\ud800.\xff",
        "9" * 5_000,
        "x.y.z",
    ):
        compared.clear()
        assert ring.holds(cookie) is (cookie == session)
        # Before anything else of it is believed, even that it begins with a number.
        assert len(compared) == 1
        assert compared[0][0] == 64


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example.com"},
        {"origin": "http://127.0.0.1:1"},
        {"x-forwarded-for": "10.0.0.1"},
        {"forwarded": "for=10.0.0.1"},
    ],
    ids=str,
)
def test_without_keys_only_this_machine_administers(live_server: LiveServer, headers: dict[str, str]) -> None:
    assert httpx.post(f"{live_server.url}/admin/reload").status_code == 200
    own = {"sec-fetch-site": "same-origin", "origin": live_server.url}
    assert httpx.post(f"{live_server.url}/admin/reload", headers=own).status_code == 200
    problem(httpx.post(f"{live_server.url}/admin/reload", headers=headers), 403, "admins_only")


def test_a_keyless_service_for_all_has_no_admin(live_server: LiveServer) -> None:
    with listening(live_server.gallery, host="0.0.0.0", allow_anyone=True) as url:
        assert httpx.post(f"{url}/search?k=1", content=PNG).status_code == 200
        assert httpx.post(f"{url}/session").status_code == 204
        problem(httpx.post(f"{url}/admin/reload"), 403, "admins_only")


def test_other_origins_are_let_in_by_name_only(live_server: LiveServer) -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    home = {"origin": "https://photos.home"}
    with listening(live_server.gallery, api_keys=READ_ENTRY, cors_origins="https://photos.home") as url:
        allowed = httpx.options(f"{url}/search", headers={**home, **asked})
        assert allowed.headers["access-control-allow-origin"] == "https://photos.home"
        assert "access-control-allow-credentials" not in allowed.headers
        other = httpx.options(f"{url}/search", headers={"origin": "https://evil.example.com", **asked})
        assert "access-control-allow-origin" not in other.headers
        answer = httpx.post(f"{url}/search?k=1", content=PNG, headers={**bearer(READ), **home})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, home["origin"])


def test_the_command_prints_the_entry_and_shows_the_key() -> None:
    done = CliRunner().invoke(main, ["key", "--admin"])
    entry, key = done.stdout.strip(), done.stderr.split()[-1]
    found = keys.read(entry, None).find(key)
    assert found is not None
    assert found.admin
    assert key not in done.stdout
    assert CliRunner().invoke(main, ["key"]).stdout.strip() != entry


def test_entries_that_are_none_are_refused_without_repeating_them(tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text(f"{READ_ENTRY}\n{READ}\n")
    for entries, file in ((READ, None), (f"{READ_ENTRY}:root", None), ("", tmp_path / "keys.txt")):
        with pytest.raises(BadKeys) as refusal:
            keys.read(entries, file)
        assert READ not in str(refusal.value)
    with pytest.raises(BadKeys, match="cannot read"):
        keys.read("", tmp_path / "none.txt")


def test_nobody_listens_beyond_this_machine_by_accident(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    where = ("serve", "--port", 0, "--index", tmp_path, "--host", "0.0.0.0")
    refused(sketchseek(*where), "sketchseek key")
    refused(sketchseek(*where, SKETCHSEEK_API_KEYS=READ_ENTRY), "not an index")
    meant = sketchseek(*where, "--allow-anyone")
    assert "anyone who does sees the photos" in meant.stderr
    assert "not an index" in meant.stderr
