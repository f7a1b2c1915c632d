"""A door that stands open because of what a file of keys, or of settings, lost: the service must refuse to start."""

from pathlib import Path

import pytest

from service.asgi import keys
from tests.kit.service.commands import doctor, refused, sketchseek, wrong

ENTRY = keys.make(admin=False)[1]
# Behind a proxy the service listens on this machine alone, so that nothing else asks for a key.
BEHIND_A_PROXY = {"SKETCHSEEK_ALLOWED_HOSTS": "photos.example.org"}


def test_an_emptied_key_file_keeps_the_door_shut(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_bytes(b"\xef\xbb\xbf# none yet\r\n\r\n")
    said = {**BEHIND_A_PROXY, "SKETCHSEEK_API_KEYS_FILE": str(file)}
    done = sketchseek("serve", "--port", 0, "--index", tmp_path / "index", **said)
    refused(done, f"add one with: sketchseek key >> {file}")
    assert "has no keys" in wrong(doctor("--json", **said))["text"]
    # The command that it names mends it.
    made = sketchseek("key")
    with file.open("a") as opened:
        opened.write(made.stdout)
    refused(sketchseek("serve", "--port", 0, "--index", tmp_path, **said), "not an index")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SKETCHSEEK_API_KEYS_FILE", "", "is not a path"),
        ("SKETCHSEEK_API_KEYS", " , ", "has no entries"),
        ("SKETCHSEEK_CONFIG", "", "is not a path"),
        ("SKETCHSEEK_CONFIG", "/no/such/file.toml", "cannot read"),
    ],
)
def test_a_setting_that_leads_nowhere_keeps_it_shut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    environment = {**BEHIND_A_PROXY, name: value}
    refused(sketchseek("serve", "--port", 0, **environment), said)
    monkeypatch.chdir(tmp_path)
    assert said in wrong(doctor("--json", **environment))["text"]


def test_doctor_minds_a_proxy_without_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "anyone who can reach its proxy" in doctor(**BEHIND_A_PROXY).stdout
    for others in ({"SKETCHSEEK_API_KEYS": ENTRY}, {"SKETCHSEEK_ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]"}):
        assert "anyone who can reach its proxy" not in doctor(**{**BEHIND_A_PROXY, **others}).stdout
