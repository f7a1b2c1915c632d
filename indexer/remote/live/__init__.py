"""The order of photos in live tables: sparse places, and a ladder of them."""
