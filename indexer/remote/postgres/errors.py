"""What PostgreSQL's errors mean, in words that say what to do."""

import re

import psycopg

from indexer.address import CA, TOKEN, Access, Address
from indexer.errors import IndexProblem, StoreUnavailable

# Without a connection, there are only the words of the client library. Those of a server that goes or comes back:
_PASSING = "starting up|shutting down|recovery|server closed the connection|connection is lost"
# Others, and what they mean; the first that fits counts.
_WORDS = {
    "does not support ssl": "the server does not speak TLS; use postgresql:// in the address",
    "does not match host name": "the server's certificate is for another host name; use the name in it",
    "certificate": f"the server's certificate is not trusted; set {CA} to the authority that signed it",
    "no encryption": "the server wants TLS; use postgresql+tls:// in the address",
    'password|authentication|pg_hba|role "': f"the server refuses the user or the password; set {TOKEN} to "
    "USER:PASSWORD",
    'database "': "the server has no such database, or keeps the user out of it; create it, or GRANT CONNECT",
    "resolve": "there is no such host; fix the address",
    "too many clients|connection slots": "the server has no connection left; raise its max_connections",
}
# Classes of errors, and whole codes: the server goes, has interrupted, or let another go first.
_AT_ONCE = ("08", "57P", "40001", "40P01")
_LATE, _NO_TABLE, _DENIED, _LOCKED, _REPLICA, _NO_ROOM = "57014", "42P01", "42501", "55P03", "25006", "53"


class Late(Exception):
    """The server has not answered in time."""


def explained(error: Exception, address: Address, access: Access) -> IndexProblem | None:
    """None if it is none of PostgreSQL's."""
    if not isinstance(error, psycopg.Error | Late):
        return None
    state = getattr(error, "sqlstate", None) or ""
    said = str(error).partition("\n")[0][:300]
    if isinstance(error, Late | psycopg.errors.ConnectionTimeout) or state == _LATE:
        return StoreUnavailable(
            f"{address}: the PostgreSQL server did not answer within {access.timeout:g} s"
        )
    if isinstance(error, psycopg.OperationalError) and not state:
        return _unconnected(said, address)
    if state.startswith(_AT_ONCE):
        return StoreUnavailable(f"{address}: the PostgreSQL server is restarting ({said})", at_once=True)
    if state == _NO_TABLE:
        return StoreUnavailable(f"{address}: the generation was removed from the server")
    if state == _LOCKED:
        return StoreUnavailable(f"{address}: others are using what is to be changed; try again")
    if 'extension "vector"' in said:
        what = "install pgvector 0.8 or newer, and let an administrator run CREATE EXTENSION vector"
    elif state == _DENIED:
        what = "let the indexer's user create tables, and that of a service SELECT (ALTER DEFAULT PRIVILEGES)"
        return StoreUnavailable(f"{address}: the user may not do this ({said}); {what}")
    elif state == _REPLICA:
        what = "it is for reading only; use the address of its primary"
    elif "shared memory" in said:
        what = "give its container more (--shm-size), or add ?maintenance_work_mem=32MB to the address"
    elif state.startswith(_NO_ROOM):
        what = "the server has no room; give it more, and run this again"
    else:
        what = "run this again, or see the server's log"
    return IndexProblem(f"{address}: PostgreSQL: {said}; {what}")


def _unconnected(said: str, address: Address) -> StoreUnavailable:
    if not re.search(_PASSING, said, re.IGNORECASE):
        for words, meaning in _WORDS.items():
            if re.search(words, said, re.IGNORECASE):
                return StoreUnavailable(f"{address}: {meaning}")
    return StoreUnavailable(f"{address}: the PostgreSQL server does not answer ({said})", at_once=True)
