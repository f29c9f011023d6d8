"""Temporary folders that go away, whatever ends the process that made them.

A scratch folder holds a file that its process keeps locked.  The system takes the lock from a process that
ends, however it ends; so a later process tells what was left behind from what is in use, and removes it.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from skykin.core.errors import ResourceError

#: Holds the name of its folder, so that a copy of a scratch folder is none.
MARKER = ".skykin-scratch"
#: In a scratch folder: what was taken away from beside it until something else is in its place.
OLD = "old"
#: Names of scratch folders in the system's place for temporary files, and beside what is written.
IN_TEMPORARY, BESIDE = "skykin-", ".skykin-"
#: Where Windows, which locks bytes for readers too, locks the marker: behind the name.
LOCKED_BYTE = 1 << 20
NAMES = re.compile(r"\.?skykin-[0-9a-f]{16}")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the block is left."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is ever interrupted
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    held = {number: handler for number, handler in before.items() if callable(handler)}
    for number in held:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


#: Places that this process has looked through.
_swept: set[Path] = set()


class Scratch:
    """A temporary folder of this process; the first one in a place removes what others left there.

    Parameters
    ----------
    place : Path
        Folder to make it in.
    begin : str
        Of its name.
    """

    def __init__(self, place: Path, begin: str = BESIDE) -> None:
        if place not in _swept:
            _swept.add(place)
            sweep(place)
        with uninterrupted():
            self.folder, lock = _make(place, begin)
            self._finalizer = weakref.finalize(self, _remove, self.folder, lock, os.getpid())

    def remove(self) -> None:
        """Remove it with all that it holds."""
        with uninterrupted():
            self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class TemporaryFolder:
    """A folder in the system's place for temporary files; all of a process lie in one scratch folder.

    It goes away with `remove`, with the last reference to it, or at the end.

    Attributes
    ----------
    path : Path

    Raises
    ------
    ResourceError
        If none can be made there.
    """

    def __init__(self) -> None:
        with uninterrupted(), _making:
            try:
                scratch = _shared_scratch(Path(tempfile.gettempdir()))
                self.path = scratch.folder / secrets.token_hex(4)
                self.path.mkdir()
            except OSError as error:
                raise ResourceError(
                    f"no temporary folder can be made: {error.strerror or error}; free some space or set "
                    "TMPDIR to another folder",
                    code="RS-READONLY" if isinstance(error, PermissionError) else "RS-DISK",
                ) from error
            # The last folder in it takes the scratch folder along.
            self._finalizer = weakref.finalize(self, _remove_part, self.path, scratch, os.getpid())

    def remove(self) -> None:
        """Remove it with all that it holds."""
        with uninterrupted():
            self._finalizer()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.remove()


_making = threading.RLock()
#: The scratch folder for temporary folders, by place.
_shared: weakref.WeakValueDictionary[Path, Scratch] = weakref.WeakValueDictionary()


def _shared_scratch(place: Path) -> Scratch:
    found = _shared.get(place)
    if found is None:
        found = _shared[place] = Scratch(place, IN_TEMPORARY)
    return found


def _remove_part(path: Path, scratch: Scratch, process: int) -> None:
    if process == os.getpid() and path.parent == scratch.folder:
        shutil.rmtree(path, ignore_errors=True)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_shared.clear)  # they are the parent's


def is_scratch(folder: Path) -> bool:
    """Whether it is a scratch folder of some process, by its name and marker."""
    try:
        return bool(NAMES.fullmatch(folder.name)) and (folder / MARKER).read_text() in ("", folder.name)
    except (OSError, ValueError):
        return False


def sweep(place: Path) -> None:
    """Remove the scratch folders in a place whose processes were killed, and put back what they had taken."""
    try:
        found = [
            Path(entry.path)
            for entry in os.scandir(place)
            if NAMES.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        ]
    except OSError:
        return
    for folder in found:
        with uninterrupted():
            lock = _taken(folder)
            if lock is not None:
                _put_back(folder)
                _remove(folder, lock, os.getpid())


def _put_back(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for old in folder.glob(f"{OLD}/*"):
            if not os.path.lexists(folder.parent / old.name):
                old.rename(folder.parent / old.name)


def _make(place: Path, begin: str) -> tuple[Path, int]:
    while True:
        folder = place / f"{begin}{secrets.token_hex(8)}"
        folder.mkdir(mode=0o700)
        lock = None
        try:
            lock = os.open(folder / MARKER, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            if _lock(lock, wait=True) and os.fstat(lock).st_nlink:
                os.write(lock, folder.name.encode())
            elif not os.fstat(lock).st_nlink:
                raise FileNotFoundError
        except FileNotFoundError:  # who sweeps found it empty and took it away
            if lock is not None:
                os.close(lock)
            continue
        except OSError:
            _remove(folder, lock, os.getpid())
            raise
        return folder, lock


def _remove(folder: Path, lock: int | None, process: int) -> None:
    """Remove a scratch folder, its marker last: what is left of it is then still known for what it is."""
    if process != os.getpid():
        return
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != MARKER:
                path.unlink(missing_ok=True)
    if lock is not None and os.name == "nt":  # there an open file cannot be removed
        os.close(lock)
    with contextlib.suppress(OSError):
        if all(path.name == MARKER for path in folder.iterdir()):
            (folder / MARKER).unlink(missing_ok=True)
            folder.rmdir()
    if lock is not None and os.name != "nt":
        os.close(lock)


def _taken(folder: Path) -> int | None:
    """Lock the marker of a scratch folder that nobody uses; None if it is in use, or none of ours."""
    try:
        lock = os.open(folder / MARKER, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        with contextlib.suppress(OSError):  # empty if its process was killed as it made it
            folder.rmdir()
        return None
    except OSError:
        return None
    if _lock(lock, wait=False):
        name = os.read(lock, 100)
        if name == folder.name.encode() and _is_ours(lock):
            return lock
        if not name:
            _remove_empty(folder)
    os.close(lock)
    return None


def _remove_empty(folder: Path) -> None:
    """Remove a scratch folder whose process was killed before it put anything there."""
    with contextlib.suppress(OSError):
        if [path.name for path in folder.iterdir()] == [MARKER]:
            (folder / MARKER).unlink()
            folder.rmdir()


def _is_ours(handle: int) -> bool:
    return os.name == "nt" or os.fstat(handle).st_uid == os.geteuid()


def wait_for_lock(handle: int) -> bool:
    """Lock an open file until it is closed; False where this disk knows no locks."""
    return _lock(handle, wait=True)


def _lock(handle: int, *, wait: bool) -> bool:
    """Lock a file; False if another process has it, or this disk knows no locks."""
    try:
        if sys.platform == "win32":  # pragma: no cover
            import msvcrt  # noqa: PLC0415

            os.lseek(handle, LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            import fcntl  # noqa: PLC0415

            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True
