"""Values reduced to what JSON and YAML know."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np


def plain(value: object) -> object:
    """Reduce a value to dicts with text keys, lists, text, numbers, booleans and None.

    Numbers that JSON cannot write (NaN, infinities) become None; anything unknown becomes its text.
    """
    if isinstance(value, np.generic | np.ndarray) and not hasattr(value, "unit"):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(value)
