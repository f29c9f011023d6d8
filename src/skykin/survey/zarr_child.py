"""Zarr in the child process of `guard`: what others packed is unpacked there."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from asyncio.base_events import BaseEventLoop
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skykin.core.errors import CorruptFileError, lacks_memory, shown

# An extra: it is loaded once, and every child is forked with it.
with contextlib.suppress(ImportError):
    import zarr
    from zarr.storage import LocalStore


def read_part(
    path: Path, folder: Path, array: str, part: Sequence[Sequence[int]], name: str
) -> dict[str, Any]:
    """Read a part of an array into ``part.npy``.

    Parameters
    ----------
    path : Path
        Folder of the Zarr.
    folder : Path
    array : str
        Its path within.
    part : sequence of (int, int)
        Where each axis begins and ends.
    name : str
        Of the Zarr, for people.
    """
    asyncio.new_event_loop = _Loop
    # One thread: a pool of them would use up the address space.
    zarr.config.set({"threading.max_workers": 1, "async.concurrency": 1})
    try:
        found = zarr.open_array(LocalStore(path, read_only=True), path=array, mode="r")
        read = np.asarray(found[tuple(slice(*each) for each in part)])
    except Exception as error:  # each codec has its own kinds of errors
        if lacks_memory(error):
            raise
        raise CorruptFileError(
            f"a chunk of {shown(name)} cannot be read ({shown(error)}); get it again"
        ) from error
    np.save(folder / "part.npy", read)
    return {}


class _Loop(BaseEventLoop):
    """The loop of asyncio that the package zarr works in: without a socket, which the child may not have."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Waiter()

    def _process_events(self, event_list: list[Any]) -> None:
        """Do nothing: what comes is called by other threads."""

    def _write_to_self(self) -> None:
        self._selector.came.set()


class _Waiter:
    """Waits for other threads, in place of files and connections, of which there are none."""

    def __init__(self) -> None:
        self.came = threading.Event()

    def select(self, seconds: float | None) -> list[Any]:
        """Wait until something came."""
        self.came.wait(seconds)
        self.came.clear()
        return []
