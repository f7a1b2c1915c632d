"""What tests of several rooms share. No test module imports another: what it would import stands here."""

from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
