"""Engines: how much work is done at once, and where."""
