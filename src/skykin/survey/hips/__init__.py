"""Hierarchical progressive surveys (HiPS)."""
