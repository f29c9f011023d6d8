"""The extra `skykin[generate]`: PyTorch, or one sentence that says what to install."""

from skykin.core.errors import ResourceError, shown

try:
    import torch
except (ImportError, OSError) as error:  # A library that PyTorch needs and does not find is an OSError.
    missing = isinstance(error, ModuleNotFoundError) and error.name == "torch"
    found = "is not installed" if missing else f"cannot be loaded ({shown(error)})"
    raise ResourceError(
        f'making pictures needs PyTorch, which {found}; run `pip install "skykin[generate]"`',
        code="RS-EXTRA",
    ) from error

__all__ = ["torch"]
