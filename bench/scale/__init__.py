"""Publishing a made-up library of millions of photos in bounded memory: python -m bench scale."""
