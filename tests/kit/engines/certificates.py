"""Certificates made on the spot: an authority of the test's own, and a server's signed by it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """What a server shows (certificate, key), and what its clients have to trust (authority)."""

    authority: Path
    certificate: Path
    key: Path


def made(folder: Path, host: str = "127.0.0.1") -> Certificate:
    folder.mkdir(parents=True, exist_ok=True)
    ca, ca_key, server, key = (folder / name for name in ("ca.pem", "ca.key", "server.pem", "server.key"))
    kind = "IP" if host.replace(".", "").isdecimal() else "DNS"
    new = (
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-noenc",
        "-days",
        "2",
    )
    _openssl(*new, "-subj", "/CN=sketchseek tests", "-keyout", ca_key, "-out", ca)
    _openssl(
        *(*new, "-subj", f"/CN={host}", "-addext", f"subjectAltName={kind}:{host}"),
        *("-addext", "basicConstraints=critical,CA:FALSE"),
        *("-CA", ca, "-CAkey", ca_key, "-keyout", key, "-out", server),
    )
    return Certificate(ca, server, key)


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
