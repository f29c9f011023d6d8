"""Comparing styles."""
