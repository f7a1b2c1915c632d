"""What PostgreSQL's errors mean, in words that say what to do."""

import psycopg

from indexer.errors import IndexProblem, StoreUnavailable
from indexer.remote.address import CA, TOKEN, Access, Address
from model import SketchseekError

_LOGIN = f"the server refuses the user or the password; set {TOKEN} to USER:PASSWORD"
# Without a connection there are only words, those of libpq. The first that fits counts.
_WORDS = (
    ("does not support ssl", "the server does not speak TLS; use postgresql:// in the address"),
    ("does not match host name", "the server's certificate is for another host name; use the name in it"),
    ("root certificate", f"the certificate authority cannot be read; set {CA} to a file with it"),
    ("certificate verify failed", f"the server's certificate is not trusted; set {CA} to who signed it"),
    ("no encryption", "the server wants TLS; use postgresql+tls:// in the address"),
    ("password", _LOGIN),
    ("authentication failed", _LOGIN),
    ("pg_hba.conf", _LOGIN),
    ('role "', _LOGIN),
    ('database "', "the server has no such database, or the user may not connect to it; create it"),
    ("resolve", "there is no such host; fix the address"),
    ("too many clients", "the server has no connection left; raise its max_connections"),
    ("connection slots", "the server has no connection left; raise its max_connections"),
)
# Said by a server that goes, or comes back.
_PASSING = ("starting up", "shutting down", "recovery", "server closed the connection", "connection is lost")
# Classes of errors, and whole codes: the server goes, was interrupted, or gave way to another.
_AT_ONCE = ("08", "57P", "40001", "40P01")


class Late(Exception):
    """The server has not answered in time."""


def explained(error: Exception, address: Address, access: Access) -> IndexProblem | None:
    """None if it is none of PostgreSQL's."""
    if isinstance(error, SketchseekError) or not isinstance(error, (psycopg.Error, Late)):
        return None
    state = getattr(error, "sqlstate", None) or ""
    if isinstance(error, (Late, psycopg.errors.ConnectionTimeout)) or state == "57014":
        return StoreUnavailable(
            f"{address}: the PostgreSQL server did not answer within {access.timeout:g} s"
        )
    said = str(error).partition("\n")[0][:300]
    if not state:
        return _disconnected(error, said, address)
    if state.startswith(_AT_ONCE):
        return StoreUnavailable(f"{address}: the PostgreSQL server is restarting ({said})", at_once=True)
    if state == "42P01":
        return StoreUnavailable(f"{address}: the generation was removed from the server")
    if state == "42501":
        return StoreUnavailable(
            f"{address}: the user may not do this ({said}); the indexer needs a user who may create tables, a service "
            "one with SELECT on them: see ALTER DEFAULT PRIVILEGES"
        )
    if state == "55P03":
        return StoreUnavailable(f"{address}: others are using what is to be changed; try again")
    if state == "25006":
        return IndexProblem(f"{address}: this server is for reading only; use the address of its primary")
    if "shared memory" in said:
        return IndexProblem(
            f"{address}: the server has too little shared memory ({said}); start its container with a larger "
            "--shm-size, or set ?maintenance_work_mem=64MB in the address"
        )
    if state.startswith("53") and state != "53300":
        return IndexProblem(f"{address}: the server has no room ({said}); give it more, and run this again")
    return IndexProblem(f"{address}: PostgreSQL: {said}")


def _disconnected(error: Exception, said: str, address: Address) -> IndexProblem:
    lower = said.lower()
    if isinstance(error, psycopg.OperationalError):
        passing = any(words in lower for words in _PASSING)
        for words, meaning in () if passing else _WORDS:
            if words in lower:
                return StoreUnavailable(f"{address}: {meaning}")
        return StoreUnavailable(f"{address}: the PostgreSQL server does not answer ({said})", at_once=True)
    return IndexProblem(f"{address}: PostgreSQL: {said}")
