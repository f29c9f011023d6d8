"""Arrays of NumPy and of PyTorch, treated alike: what is written once runs on the processor and on a device.

Both libraries have the functions and operators that are used here under the same names.  PyTorch is not
imported: whoever made a tensor has done so.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from skykin.core.shapes import Numbers


def library(array: Any) -> Any:
    """Return the library that an array belongs to: NumPy or PyTorch."""
    return sys.modules[type(array).__module__.partition(".")[0]]


def beside(constant: Numbers, array: Any) -> Any:
    """Bring a NumPy array to where another array lies: to its library and its device."""
    return library(array).asarray(constant, device=array.device)


def on_host(array: Any) -> Numbers:
    """Bring an array of either library to the processor's memory, as a NumPy array."""
    return array if isinstance(array, np.ndarray) else np.asarray(array.cpu())
