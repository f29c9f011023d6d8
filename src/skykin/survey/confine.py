"""What a child that reads an untrusted file may touch: that file, its folder of results, no network.

Three layers, each where the system has it: Landlock (Linux 5.13) bounds the files, a filter of system calls
(seccomp) takes away sockets, other programs and other processes' memory, and Python's audit hooks refuse the
same to Python code everywhere.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import stat
import struct
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

#: Events of Python that reach for the network or another program.
REFUSED_EVENTS = frozenset(
    {
        "socket.__new__",
        "socket.connect",
        "socket.getaddrinfo",
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.startfile",
    }
)
#: Where systems keep shared libraries, what their loader looks up, and zones of time.
SYSTEM_FILES = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/etc/ld.so.cache",
    "/usr/share/zoneinfo",
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
#: Of each machine: its number for the kernel, and those of socket, socketpair, io_uring_setup, execve,
#: execveat, ptrace, process_vm_readv and process_vm_writev.
CALLS = {
    "x86_64": (0xC000003E, (41, 53, 425, 59, 322, 101, 310, 311)),
    "aarch64": (0xC00000B7, (198, 199, 425, 221, 281, 117, 270, 271)),
}
#: From here on x86_64 takes the same calls under other numbers.
X32 = 0x40000000

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
READ_FILE, READ_FOLDER = 1 << 2, 1 << 3
#: Write, remove and make plain files and folders: no devices, sockets, pipes or links.
CHANGE = (1 << 1) | (1 << 4) | (1 << 5) | (1 << 7) | (1 << 8)
TRUNCATE = 1 << 14
#: How many rights over files each version of Landlock knows; the next ones know as many as the last.
RIGHTS = (13, 14, 15, 15, 16)
#: From these versions on it also knows connections, and signals and sockets to processes outside.
NETWORK_SINCE, SCOPES_SINCE = 4, 6
BY_PATH = 1


def confine(reads: Sequence[Path], folder: Path) -> None:
    """Take from this process, for good, all but reading `reads` and writing in `folder`.

    Parameters
    ----------
    reads : sequence of Path
        Files and folders that were given to be read.
    folder : Path
        Where the results go.

    Notes
    -----
    Python's own files and the libraries of the system stay readable: modules are loaded when they are needed.
    """
    _refuse_in_python()
    if sys.platform != "linux":
        return
    bound_files([*reads, *_libraries()], [folder])
    forbid_network()


def forbid_network() -> bool:
    """Refuse this process and its children sockets, other programs and the memory of other processes.

    Returns
    -------
    bool
        Whether the system has such a filter.
    """
    known = CALLS.get(platform.machine())
    if sys.platform != "linux" or known is None:
        return False
    machine, calls = known
    refuse = (RETURN, 0, 0, REFUSE)
    # A program of the kernel.  Each step is (what, steps skipped if so, steps skipped if not, number).
    steps = [(LOAD, 0, 0, 4), (JUMP_IF_EQUAL, 1, 0, machine), refuse]
    steps += [(LOAD, 0, 0, 0), (JUMP_IF_AT_LEAST, 0, 1, X32), refuse]
    for call in calls:
        steps += [(JUMP_IF_EQUAL, 0, 1, call), refuse]
    steps.append((RETURN, 0, 0, ALLOW))
    packed = b"".join(struct.pack("=HBBI", *step) for step in steps)
    program = ctypes.create_string_buffer(packed, len(packed))
    about = struct.pack("@HP", len(steps), ctypes.addressof(program))
    libc = _libc()
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return bool(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, about, 0, 0) == 0)


def bound_files(reads: Sequence[Path], writes: Sequence[Path]) -> bool:
    """Take from this process and its children all files but these, for good.

    Parameters
    ----------
    reads, writes : sequence of Path
        Files, and folders with all that is in them; those that are not there are left out.

    Returns
    -------
    bool
        Whether the system has Landlock.
    """
    libc = _libc()
    version = libc.syscall(LANDLOCK_CREATE, None, 0, 1) if sys.platform == "linux" else -1
    if version < 1:
        return False
    every = (1 << RIGHTS[min(version, len(RIGHTS)) - 1]) - 1
    network, scopes = 3 * (version >= NETWORK_SINCE), 3 * (version >= SCOPES_SINCE)
    about = struct.pack("=QQQ", every, network, scopes)
    size = 24 if scopes else 16 if network else 8
    rules = libc.syscall(LANDLOCK_CREATE, about, size, 0)
    if rules < 0:
        return False
    try:
        for path in reads:
            _allow(libc, rules, path, READ_FILE | READ_FOLDER)
        for path in writes:
            _allow(libc, rules, path, (READ_FILE | READ_FOLDER | CHANGE | TRUNCATE) & every)
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            return False
        return bool(libc.syscall(LANDLOCK_RESTRICT, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # it is not there
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= READ_FILE
        libc.syscall(LANDLOCK_ADD, rules, BY_PATH, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def _refuse_in_python() -> None:
    def refuse(event: str, _: object) -> None:
        if event in REFUSED_EVENTS:
            raise PermissionError(errno.EACCES, f"a reader of files may not use {event}")

    sys.addaudithook(refuse)


def _libraries() -> list[Path]:
    own = [*sys.path, *sysconfig.get_paths().values()]
    own += [f"{prefix}/lib" for prefix in (sys.prefix, sys.base_prefix)]
    own += os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    return [Path(text) for text in dict.fromkeys((*own, *SYSTEM_FILES, *DEVICES)) if text]


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
