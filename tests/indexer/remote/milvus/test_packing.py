"""Rows as Milvus's own messages: every value comes back as it was, whatever it is."""

import numpy as np
import pytest
from pymilvus import DataType
from pymilvus.grpc_gen import milvus_pb2, schema_pb2

from indexer.remote.milvus.packing import VECTOR, columns_in, insert_request

KINDS = {
    "id": DataType.INT64,
    "relative": DataType.VARCHAR,
    "latitude": DataType.DOUBLE,
    "bias0": DataType.FLOAT,
}


@pytest.mark.parametrize("kind", [DataType.FLOAT_VECTOR, DataType.FLOAT16_VECTOR])
@pytest.mark.parametrize("rows", [1, 3, 5000])
def test_what_is_sent_is_what_comes_back(kind: DataType, rows: int) -> None:
    chance = np.random.default_rng(rows)
    vectors = chance.standard_normal((rows, 24)).astype(np.float16).astype(np.float32)
    columns = {
        "id": [2**63 - 1 - number for number in range(rows)],
        "relative": [f"ü/{number}\n\"'\\%_写真.jpg" for number in range(rows)],
        "latitude": chance.standard_normal(rows).tolist(),
        "bias0": chance.standard_normal(rows).astype(np.float32).tolist(),
    }
    request = insert_request("base", "photos__g000001", columns, vectors, KINDS | {VECTOR: kind})
    # As it arrives there.
    arrived = milvus_pb2.InsertRequest.FromString(request.SerializeToString())
    assert (arrived.db_name, arrived.collection_name, arrived.num_rows) == ("base", "photos__g000001", rows)
    answer = milvus_pb2.QueryResults(fields_data=arrived.fields_data)
    found = columns_in(answer, [*columns, VECTOR])
    assert {name: found[name] for name in columns} == columns
    assert np.array_equal(found[VECTOR], vectors)
    plain = next(field for field in arrived.fields_data if field.field_name == VECTOR)
    if kind == DataType.FLOAT_VECTOR:
        assert list(plain.vectors.float_vector.data) == vectors.ravel().tolist()


def test_an_answer_without_rows() -> None:
    empty = milvus_pb2.QueryResults(
        fields_data=[schema_pb2.FieldData(field_name="id", type=DataType.INT64.value)]
    )
    assert columns_in(empty, ["id", "relative"]) == {"id": [], "relative": []}
