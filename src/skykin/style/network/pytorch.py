"""PyTorch, loaded when it is asked for and not before, or one sentence that says what to install."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from skykin.core.errors import ResourceError, shown


def load_torch(purpose: str, extra: str) -> Any:
    """Import PyTorch.

    Parameters
    ----------
    purpose : str
        What needs it, for the sentence.
    extra : str
        The extra of Skykin that brings it.

    Raises
    ------
    ResourceError
        If it is not installed or cannot be loaded (``RS-EXTRA``).
    """
    try:
        return import_module("torch")
    except (ImportError, OSError) as error:  # A library that PyTorch needs and does not find is an OSError.
        missing = isinstance(error, ModuleNotFoundError) and error.name == "torch"
        found = "is not installed" if missing else f"cannot be loaded ({shown(error)})"
        raise ResourceError(
            f'{purpose} needs PyTorch, which {found}; run `pip install "skykin[{extra}]"`', code="RS-EXTRA"
        ) from error


def has_torch() -> bool:
    """Whether PyTorch is installed, without loading it."""
    return find_spec("torch") is not None
