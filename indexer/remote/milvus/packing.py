"""Rows as Milvus's own messages.

pymilvus converts each number of a vector by itself, which takes longer than the server takes to store it. A packed
field of Protocol Buffers is the array's own bytes, which it reads as they are: ten times as many rows a second.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pymilvus import DataType
from pymilvus.grpc_gen import milvus_pb2, schema_pb2

from model.modality import Vectors

VECTOR = "vector"
# Of the only field of FloatArray and its kin, as a packed list.
_PACKED = b"\x0a"


def insert_request(
    collection: str, columns: Mapping[str, Sequence[Any]], vectors: Vectors, kinds: Mapping[str, DataType]
) -> Any:
    """A request to insert these rows; `kinds` are the types of all fields."""
    request = milvus_pb2.InsertRequest(collection_name=collection, num_rows=len(vectors))
    request.fields_data.extend(_field(name, kinds[name], values) for name, values in columns.items())
    request.fields_data.append(_vectors(vectors, kinds[VECTOR]))
    return request


def upsert_request(
    collection: str, columns: Mapping[str, Sequence[Any]], vectors: Vectors, kinds: Mapping[str, DataType]
) -> Any:
    """The same, replacing rows with the same ids."""
    request = milvus_pb2.UpsertRequest(collection_name=collection, num_rows=len(vectors))
    request.fields_data.extend(_field(name, kinds[name], values) for name, values in columns.items())
    request.fields_data.append(_vectors(vectors, kinds[VECTOR]))
    return request


def as_array(rows: Sequence[Any], dimension: int) -> Vectors:
    """Vectors of an answer: lists of numbers, or the bytes of half precision."""
    if not len(rows):
        return np.empty((0, dimension), dtype=np.float32)
    if isinstance(rows[0], (bytes, list)) and len(rows[0]) and isinstance(rows[0][0], bytes):
        rows = [row[0] for row in rows]
    if isinstance(rows[0], bytes):
        halves = np.frombuffer(b"".join(rows), dtype=np.float16).reshape(len(rows), dimension)
        return halves.astype(np.float32)
    return np.asarray(rows, dtype=np.float32).reshape(len(rows), dimension)


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
