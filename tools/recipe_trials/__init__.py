"""The stages of ``tools/recipe_grid.py``: features, discs, variants, evaluation, choice."""
