"""Embed the parts of a library on a cluster: `sketchseek index --ray`. Only `ray.py` knows Ray."""
