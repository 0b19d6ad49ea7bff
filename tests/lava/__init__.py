"""Tests that run emitted Lava networks; they need CPython 3.10 and lava-nc."""
