"""Gives a Milvus server its users: root a password of its own, one who writes libraries, and one who only reads them.

    SKETCHSEEK_STORE=milvus://milvus:19530/photos python3 milvus_users.py ROOT WRITER READER

ROOT, WRITER, and READER are files with USER:PASSWORD, as SKETCHSEEK_STORE_TOKEN_FILE wants them. Run it as often as you
like: users who can log in stay, others get the password of their file. Rights reach over all libraries of the server;
with an address such as milvus://milvus:19530/DATABASE/photos over those of this database, which is made.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
from pymilvus import MilvusClient, MilvusException

from indexer.address import Access, Address
from indexer.errors import IndexProblem
from indexer.remote.milvus.connection import Connection

# What Milvus gives root at first, and calls the database that each has.
FACTORY, DEFAULT = "root:Milvus", "default"
# A collection that nobody has.
NOTHING = "sketchseek__nothing"
READS = {
    # Milvus 2.3 tells only those who may load a collection whether it is loaded.
    "Collection": ("Search", "Query", "GetLoadState", "Load"),
    "Global": ("DescribeCollection", "DescribeAlias", "ShowCollections"),
}
WRITES = {
    "Collection": (
        *("Insert", "Upsert", "Delete", "Flush", "GetFlushState"),
        *("CreateIndex", "IndexDetail", "Release"),
    ),
    # CreateAlias also lets one point an alias elsewhere.
    "Global": ("CreateCollection", "DropCollection", "CreateAlias", "DropAlias"),
}
ROLES = {"sketchseek_writer": (READS, WRITES), "sketchseek_reader": (READS,)}


def main(store: str, *files: str) -> None:
    address = Address.parse(store)
    server = replace(address, user="", above="")
    root, *tokens = (Path(name).read_text("utf-8").strip() for name in files)
    change_root(server, root)
    with connected(server, root) as client:
        database = address.above.strip("/")
        if database and database not in client.list_databases():
            client.create_database(database)
        for (role, rights), token in zip(ROLES.items(), tokens, strict=True):
            if role not in client.list_roles():
                client.create_role(role)
            for kinds in rights:
                for kind, names in kinds.items():
                    for name in names:
                        client.grant_privilege(role, kind, name, "*", database or DEFAULT)
            give(client, server, token, role)
            wait_for_rights(address, token)
            print(f"{token.partition(':')[0]} may what {role} may")


def change_root(server: Address, token: str) -> None:
    """Nobody shall get in with the password that is in Milvus's manual."""
    if lets_in(server, token):
        return
    with connected(server, FACTORY) as client:
        user, _, password = token.partition(":")
        client.update_password(user, FACTORY.partition(":")[2], password)


def give(client: MilvusClient, server: Address, token: str, role: str) -> None:
    user, _, password = token.partition(":")
    there = user in client.list_users()
    if there and not lets_in(server, token):
        client.drop_user(user)
        there = False
    if not there:
        client.create_user(user, password)
    client.grant_role(user, role)


def wait_for_rights(address: Address, token: str) -> None:
    """Milvus needs a moment until what was granted counts; whoever comes next shall not be refused."""
    with connected(replace(address, user=""), token) as client:
        for _ in range(50):
            try:
                client.get_load_state(NOTHING)
            except MilvusException:
                return
            except grpc.RpcError as error:
                if not isinstance(error, grpc.Call) or error.code() != grpc.StatusCode.PERMISSION_DENIED:
                    raise
            else:
                return
            time.sleep(0.2)


def lets_in(server: Address, token: str) -> bool:
    try:
        with connected(server, token):
            return True
    except IndexProblem:
        return False


@contextmanager
def connected(server: Address, token: str) -> Iterator[MilvusClient]:
    connection = Connection(
        server, replace(Access.of({**os.environ, "SKETCHSEEK_STORE_TOKEN_FILE": ""}), token=token)
    )
    try:
        with connection.plainly() as client:
            yield client
    finally:
        connection.close()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        main(os.environ["SKETCHSEEK_STORE"], *sys.argv[1:])
    except IndexProblem as error:
        sys.exit(str(error))
