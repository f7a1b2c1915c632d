"""FAISS and exact search on a GPU."""
