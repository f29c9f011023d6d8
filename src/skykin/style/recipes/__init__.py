"""Recipes: each file is one way to measure style; other packages add more (entry points `skykin.recipes`)."""
