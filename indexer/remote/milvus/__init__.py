"""Milvus, from server version 2.3 on."""
