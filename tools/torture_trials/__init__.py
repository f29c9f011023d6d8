"""The trials of `tools/torture.py`, one file per kind of harm."""
