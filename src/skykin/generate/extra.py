"""The extra `skykin[generate]`: PyTorch, or one sentence that says what to install."""

from typing import Any

from skykin.style.network.pytorch import load_torch

torch: Any = load_torch("making pictures", "generate")

__all__ = ["torch"]
