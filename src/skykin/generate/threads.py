"""The threads that PyTorch computes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from skykin.core.errors import UsageError
from skykin.generate.extra import torch


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Compute on so many threads; on as many as PyTorch likes if None."""
    before = torch.get_num_threads()
    if count is not None:
        if count < 1:
            raise UsageError(f"a picture cannot be made on {count} threads; use 1 or more")
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
