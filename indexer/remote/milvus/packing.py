"""Rows as Milvus's own messages.

pymilvus converts each number of a vector by itself, which takes longer than the server takes to store or to find it.
A packed field of Protocol Buffers holds the array's own bytes, which are taken as they are: ten times as fast.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pymilvus import DataType
from pymilvus.grpc_gen import common_pb2, milvus_pb2, schema_pb2

from model.modality import Vectors

VECTOR = "vector"
# Of the only field of FloatArray and its kin, as a packed list.
_PACKED = b"\x0a"
# The time stamps that ask for no more than a node knows, and for all that was written.
_EVENTUALLY, _STRONG = 1, 0


def insert_request(
    database: str,
    collection: str,
    columns: Mapping[str, Sequence[Any]],
    vectors: Vectors,
    kinds: Mapping[str, DataType],
    *,
    replacing: bool = False,
) -> Any:
    """A request to insert these rows, or to upsert them; `kinds` are the types of all fields."""
    asked = milvus_pb2.UpsertRequest if replacing else milvus_pb2.InsertRequest
    request = asked(db_name=database, collection_name=collection, num_rows=len(vectors))
    request.fields_data.extend(_field(name, kinds[name], values) for name, values in columns.items())
    request.fields_data.append(_vectors(vectors, kinds[VECTOR]))
    return request


def query_request(
    database: str, collection: str, where: str, columns: Sequence[str], most: int, *, strong: bool = False
) -> Any:
    """A request for these columns of at most so many rows that pass, as a node knows them, or the newest."""
    request = milvus_pb2.QueryRequest(
        db_name=database,
        collection_name=collection,
        expr=where,
        output_fields=list(columns),
        **_consistency(strong),
    )
    request.query_params.add(key="limit", value=str(most))
    return request


def search_request(
    database: str,
    collection: str,
    query: Vectors,
    kind: DataType,
    where: str,
    columns: Sequence[str],
    settings: Mapping[str, Any],
    *,
    strong: bool = False,
) -> Any:
    """A request for the nearest rows that pass; `settings` are those of the search."""
    halves = kind == DataType.FLOAT16_VECTOR
    data = np.ascontiguousarray(query, dtype="<f2" if halves else "<f4").tobytes()
    asked = common_pb2.PlaceholderGroup(
        placeholders=[common_pb2.PlaceholderValue(tag="$0", type=kind.value, values=[data])]
    )
    request = milvus_pb2.SearchRequest(
        db_name=database,
        collection_name=collection,
        dsl=where,
        dsl_type=common_pb2.DslType.BoolExprV1,
        placeholder_group=asked.SerializeToString(),
        output_fields=list(columns),
        nq=1,
        **_consistency(strong),
    )
    for key, value in {
        "anns_field": VECTOR,
        "round_decimal": -1,
        "ignore_growing": False,
        **settings,
    }.items():
        text = value if isinstance(value, str) else json.dumps(value)
        request.search_params.add(key=key, value=text)
    return request


def _consistency(strong: bool) -> dict[str, Any]:
    levels = common_pb2.ConsistencyLevel
    return {
        "guarantee_timestamp": _STRONG if strong else _EVENTUALLY,
        "consistency_level": levels.Strong if strong else levels.Eventually,
    }


def columns_in(answer: Any, wanted: Sequence[str]) -> dict[str, Any]:
    """The columns of an answer: lists, and an array of vectors."""
    fields = {field.field_name: field for field in answer.fields_data}
    return {name: _values(fields[name]) if name in fields else [] for name in wanted}


def _values(field: Any) -> Any:
    if field.field_name == VECTOR:
        return _array(field.vectors)
    scalars = field.scalars
    kind = scalars.WhichOneof("data")
    return list(getattr(scalars, kind).data) if kind else []


def _array(vectors: Any) -> Vectors:
    if vectors.WhichOneof("data") == "float16_vector":
        halves = np.frombuffer(vectors.float16_vector, dtype="<f2")
        return halves.astype(np.float32).reshape(-1, vectors.dim)
    count = len(vectors.float_vector.data)
    if not count:
        return np.empty((0, vectors.dim), dtype=np.float32)
    data = vectors.float_vector.SerializeToString()
    # What comes before the numbers says how many there are.
    found = np.frombuffer(data, dtype="<f4", count=count, offset=len(data) - 4 * count)
    return found.astype(np.float32).reshape(-1, vectors.dim)


def _field(name: str, kind: DataType, values: Sequence[Any]) -> Any:
    field = schema_pb2.FieldData(type=kind.value, field_name=name)
    scalars = field.scalars
    if kind == DataType.INT64:
        scalars.long_data.data.extend(values)
    elif kind == DataType.VARCHAR:
        scalars.string_data.data.extend(values)
    elif kind == DataType.DOUBLE:
        scalars.double_data.MergeFromString(_packed(np.asarray(values, dtype="<f8").tobytes()))
    else:
        scalars.float_data.MergeFromString(_packed(np.asarray(values, dtype="<f4").tobytes()))
    return field


def _vectors(vectors: Vectors, kind: DataType) -> Any:
    field = schema_pb2.FieldData(type=kind.value, field_name=VECTOR)
    field.vectors.dim = vectors.shape[1]
    if kind == DataType.FLOAT16_VECTOR:
        field.vectors.float16_vector = np.asarray(vectors, dtype="<f2").tobytes()
    else:
        data = np.ascontiguousarray(vectors, dtype="<f4").tobytes()
        field.vectors.float_vector.MergeFromString(_packed(data))
    return field


def _packed(data: bytes) -> bytes:
    return _PACKED + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)
