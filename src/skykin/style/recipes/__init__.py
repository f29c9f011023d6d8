"""Recipes: each file is one way to measure style."""
