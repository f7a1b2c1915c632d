"""The engines that tests run on are real, survive what tests do to them, and die with them."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import numpy as np
import psycopg
import pytest
from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from tests.kit import TOP
from tests.kit.engines.certificates import made
from tests.kit.engines.milvus import Milvus, MilvusServer
from tests.kit.engines.postgres import PostgresServer
from tests.kit.engines.process import DiedError, Ports, Process, gone
from tests.kit.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence

VECTORS = np.eye(8, dtype=np.float32)


def fill(client: MilvusClient, name: str, count: int = 8) -> None:
    client.create_collection(name, 8, metric_type="IP")
    client.insert(name, [{"id": number, "vector": VECTORS[number]} for number in range(count)])


def ids(client: MilvusClient, name: str) -> Sequence[int]:
    rows = client.query(name, filter="id >= 0", output_fields=["id"], consistency_level="Strong", timeout=10)
    return sorted(row["id"] for row in rows)


def holds(client: MilvusClient, name: str, count: int = 8) -> bool:
    try:
        return list(ids(client, name)) == list(range(count))
    except (MilvusException, grpc.RpcError):
        return False


def test_the_server_of_all_tests_answers(milvus_server: Milvus, milvus_address: str) -> None:
    name = milvus_address.rpartition("/")[2]
    client = milvus_server.client()
    fill(client, name)
    found = client.search(name, [VECTORS[3]], limit=1, consistency_level="Strong", timeout=10)
    assert [hit["id"] for hit in found[0]] == [3]
    client.create_alias(name, f"{name}_alias")
    milvus_server.drop(name)
    assert not client.has_collection(name)
    client.close()


def test_the_one_inside_the_process_answers(milvus_lite: str) -> None:
    client = MilvusClient(milvus_lite)
    fill(client, "photos")
    assert list(ids(client, "photos")) == list(range(8))
    client.close()


@pytest.mark.slow
def test_a_killed_server_has_everything_afterwards(own_milvus: MilvusServer) -> None:
    url = own_milvus.url
    client = own_milvus.client()
    fill(client, "photos")
    own_milvus.kill()
    with pytest.raises((MilvusException, grpc.RpcError)):
        client.query("photos", filter="id >= 0", timeout=1)
    own_milvus.restart()
    assert own_milvus.url == url
    until(lambda: holds(client, "photos"))
    client.close()


@pytest.mark.slow
def test_a_paused_server_hangs_and_goes_on(own_milvus: MilvusServer, tmp_path: Path) -> None:
    client = own_milvus.client()
    fill(client, "photos")
    own_milvus.pause()
    with pytest.raises((MilvusException, grpc.RpcError), match=r"(?i)deadline"):
        client.query("photos", filter="id >= 0", timeout=1)
    own_milvus.resume()
    until(lambda: holds(client, "photos"))
    client.close()
    # And a second one beside it is another.
    with MilvusServer(tmp_path / "second") as second:
        assert second.url != own_milvus.url
        other = second.client()
        assert other.list_collections() == []
        other.close()


@pytest.mark.slow
def test_it_asks_who_one_is_over_a_line_that_nobody_reads(tmp_path: Path) -> None:
    certificate, foreign = made(tmp_path / "ours"), made(tmp_path / "theirs")
    with MilvusServer(tmp_path / "milvus", auth=True, tls=certificate) as server:
        assert server.address("photos") == f"milvus+tls://{server.url}/photos"
        client = server.client()
        client.create_user("reader", "Passw0rd")
        assert set(client.list_users()) == {"root", "reader"}
        client.close()
        reader = server.client("reader:Passw0rd")
        with pytest.raises((MilvusException, grpc.RpcError), match=r"(?i)permission"):
            reader.list_users()
        reader.close()
        for token, authority in (("root:wrong", None), ("", None), (None, foreign.authority)):
            with pytest.raises(MilvusException, match="Fail connecting"):
                server.client(token, authority)
        with pytest.raises(MilvusException):
            MilvusClient(f"http://{server.url}", token="root:Milvus", timeout=5, dedicated=True)


def test_it_takes_other_ports_where_one_is_taken_meanwhile(tmp_path: Path) -> None:
    server = MilvusServer(tmp_path / "milvus")
    first = server.milvus
    with socket.create_server(("127.0.0.1", first.port)), server:
        assert server.url != first.url


def photos(connection: psycopg.Connection, count: int = 400) -> None:
    """Vectors all around, a tenth of them red."""
    connection.execute("CREATE EXTENSION vector")
    connection.execute("CREATE TABLE photos (id bigint PRIMARY KEY, red boolean, vector halfvec(8) NOT NULL)")
    with connection.cursor().copy("COPY photos FROM STDIN") as copy:
        for number, vector in enumerate(np.random.default_rng(0).normal(size=(count, 8))):
            copy.write_row((number, number % 10 == 0, np.array2string(vector, separator=",")))
    connection.execute("CREATE INDEX ON photos USING hnsw (vector halfvec_ip_ops)")


def test_postgres_searches_vectors(postgres_address: str) -> None:
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        photos(connection)
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_sort = off")
        question = "SELECT id FROM photos WHERE red ORDER BY vector <#> '[1,0,0,0,0,0,0,0]' LIMIT 30"
        plan = str(connection.execute(f"EXPLAIN {question}").fetchall())
        assert "photos_vector_idx" in plan
        # Of the forty that the index finds, only some are red; unless it goes on looking.
        few = connection.execute(question).fetchall()
        connection.execute("SET hnsw.iterative_scan = strict_order")
        enough = connection.execute(question).fetchall()
        assert len(few) < len(enough) == 30
        assert enough[: len(few)] == few


def test_tests_have_databases_of_their_own(postgres_server: PostgresServer, postgres_address: str) -> None:
    with psycopg.connect(postgres_address) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_extension WHERE extname = 'vector'"
        ).fetchone() == (0,)
        # Left open, it does not keep the database from being dropped.
        left = psycopg.connect(postgres_address)
    with postgres_server.connect() as other:
        assert other.execute("SELECT current_database()").fetchone() == ("postgres",)
    left.close()


def test_a_killed_postgres_has_everything_afterwards(own_postgres: PostgresServer) -> None:
    with own_postgres.connect() as connection:
        photos(connection)
        own_postgres.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        own_postgres.connect()
    own_postgres.restart()
    with own_postgres.connect() as connection:
        assert connection.execute("SELECT count(*) FROM photos").fetchone() == (400,)


def test_a_paused_postgres_hangs_and_goes_on(own_postgres: PostgresServer) -> None:
    with own_postgres.connect() as connection:
        own_postgres.pause()
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            psycopg.connect(own_postgres.address(), connect_timeout=2)
        own_postgres.resume()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_address_names_another_server() -> None:
    assert Milvus.elsewhere({}) is None
    there = Milvus.elsewhere(
        {"SKETCHSEEK_TEST_STORE": "milvus://10.0.0.1:1234", "SKETCHSEEK_STORE_TOKEN": "a:b"}
    )
    assert there == Milvus("10.0.0.1", 1234, "a:b")
    assert there.address("photos") == "milvus://10.0.0.1:1234/photos"
    safe = {"SKETCHSEEK_TEST_STORE": "milvus+tls://db", "SKETCHSEEK_STORE_CA": "/ca.pem"}
    assert Milvus.elsewhere(safe) == Milvus("db", 19530, "", Path("/ca.pem"))


def test_a_server_that_dies_at_its_start_says_why(tmp_path: Path) -> None:
    dead = Process(["sh", "-c", "echo no room; exit 3"], tmp_path / "log", folder=tmp_path)
    with pytest.raises(DiedError, match=r"exit status 3; the log ends:\nno room"):
        dead.until(lambda: False)


def test_ports_are_kept_from_others() -> None:
    """Chosen from a single one, the second gets none."""
    first = Ports(["a", "b"], range(20_011, 20_013))
    assert {first["a"], first["b"]} == {20_011, 20_012}
    with pytest.raises(AssertionError, match="no free port"):
        Ports(["c"], range(20_011, 20_013))
    assert not first.taken()
    # A server asks to share, and may.
    with socket.create_server(("127.0.0.1", first["b"])):
        assert first.taken()
    first.close()
    Ports(["c"], range(20_011, 20_013)).close()


def test_it_dies_with_whoever_started_it(tmp_path: Path) -> None:
    script = """
import sys, time
from pathlib import Path
from tests.kit.engines.process import Process
folder = Path(sys.argv[1])
print(Process(["sleep", "1000"], folder / "log", folder=folder).pid, flush=True)
time.sleep(1000)
"""
    command = [sys.executable, "-c", script, tmp_path]
    with subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout
        server = int(tests.stdout.readline())
        assert not gone(server)
        tests.send_signal(signal.SIGKILL)
        tests.wait()
        until(lambda: gone(server))
