"""Compile the kernel of dot products, src/skykin/indexing/dots.c.

    python tools/build_kernel.py

With the package `ziglang`, a C compiler for many platforms, the files of Linux and macOS are made, which one
wheel can carry; else the C compiler of this machine (`CC`, or `cc`) makes the one for this machine.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parents[1] / "src" / "skykin" / "indexing"
#: Operating system and processor as Python names them, and zig's name of both.
PLATFORMS = {
    ("linux", "x86_64"): "x86_64-linux-gnu.2.17",
    ("linux", "aarch64"): "aarch64-linux-gnu.2.17",
    ("darwin", "x86_64"): "x86_64-macos.11.0",
    ("darwin", "arm64"): "aarch64-macos.11.0",
}
SUFFIXES = {"win32": "dll", "darwin": "dylib"}
FLAGS = ("-std=gnu11", "-O3", "-shared", "-fPIC", "-fvisibility=hidden", "-g0")


class CannotCompileError(Exception):
    """There is no compiler, or it failed."""


def build(home: Path = HOME) -> list[Path]:
    """Compile what can be compiled here.

    Raises
    ------
    CannotCompileError
    """
    if importlib.util.find_spec("ziglang") is not None:
        zig = [sys.executable, "-m", "ziglang", "cc"]
        return [
            _compiled([*zig, "-target", target], home, library_name(*each))
            for each, target in PLATFORMS.items()
        ]
    compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]
    if shutil.which(compiler[0]) is None:
        raise CannotCompileError(f"there is no C compiler {compiler[0]}")
    return [_compiled(compiler, home, library_name(sys.platform, platform.machine()))]


def library_name(system: str, machine: str) -> str:
    """Name of the compiled file, as dots.py looks for it."""
    kind = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine.lower(), machine.lower())
    return f"dots-{system}-{kind}.{SUFFIXES.get(system, 'so')}"


def _compiled(compiler: list[str], home: Path, name: str) -> Path:
    # Beside it first: another process may have the old one loaded.
    new = home / f"{name}.new"
    done = subprocess.run(
        [*compiler, *FLAGS, str(home / "dots.c"), "-o", str(new)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CannotCompileError(f"{compiler[0]} says: {done.stderr.strip()[-300:]}")
    for litter in home.glob(f"{Path(name).stem}*.lib"):
        litter.unlink()
    return new.replace(home / name)


if __name__ == "__main__":
    try:
        for path in build():
            print(path)
    except CannotCompileError as error:
        sys.exit(f"no kernel was compiled: {error}")
