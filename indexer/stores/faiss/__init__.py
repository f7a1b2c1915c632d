"""The FAISS store on the CPU: one flat, IVF or HNSW file, and layers of them."""
