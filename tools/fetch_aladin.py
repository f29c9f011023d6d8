"""Fetch Aladin Lite, which draws the sky in the browser, from its npm package, and check its SHA-256."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

NAME, VERSION = "aladin-lite", "3.8.2"
#: Of the package as it was published.
SHA256 = "9bc93390079568cde85b1d85dac738731dbdf1299ae875947817257a1abc12ad"
FOLDER = Path(__file__).resolve().parents[1] / "src" / "skykin" / "viewing" / "aladin"
#: The program (its WebAssembly and its logo are within), its licences and what its authors say; unmodified.
FILES = {
    "aladin.js": "package/dist/aladin.js",
    "LICENSE": "package/LICENSE",
    "COPYING": "package/COPYING",
    "COPYING.LESSER": "package/COPYING.LESSER",
    "README.md": "package/README.md",
    "package.json": "package/package.json",
}
#: Which package the files are of; written last.
STAMP = "SHA256"


class CannotFetchError(Exception):
    """Aladin Lite is not there and cannot be fetched; the sentence says why, and the way out."""


def fetch(folder: Path = FOLDER, npm: str = "npm") -> None:
    """Put the files of Aladin Lite into `folder`, whole or not at all; nothing is done if they are there."""
    if is_there(folder):
        return
    with tempfile.TemporaryDirectory(prefix=".aladin-", dir=_made(folder.parent)) as scratch:
        package = _downloaded(Path(scratch), npm)
        found = hashlib.sha256(package.read_bytes()).hexdigest()
        if found != SHA256:
            raise CannotFetchError(
                f"the npm package {NAME} {VERSION} has the SHA-256 {found}, but {SHA256} was published; "
                "nothing was installed: ask who runs your registry, or fetch again elsewhere"
            )
        ready = Path(scratch) / "ready"
        _unpack(package, ready)
        shutil.rmtree(folder, ignore_errors=True)
        ready.rename(folder)


def is_there(folder: Path = FOLDER) -> bool:
    """Whether all files are there, of this version."""
    stamp = folder / STAMP
    return (
        stamp.is_file() and stamp.read_text() == SHA256 and all((folder / name).is_file() for name in FILES)
    )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _downloaded(folder: Path, npm: str) -> Path:
    program = shutil.which(npm)
    if program is None:
        raise CannotFetchError(
            f"the browser view needs {NAME} {VERSION}, which npm fetches, and there is no npm here; install "
            "Node.js (Debian: apt-get install npm), then run: make aladin"
        )
    command = [program, "pack", f"{NAME}@{VERSION}", "--silent", "--pack-destination", str(folder)]
    result = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
    package = folder / f"{NAME}-{VERSION}.tgz"
    if result.returncode != 0 or not package.is_file():
        said = (result.stderr.strip().splitlines() or ["it says nothing"])[0][:200]
        raise CannotFetchError(
            f"npm could not fetch {NAME} {VERSION} ({said}); see that npm reaches its "
            "registry, then run: make aladin"
        )
    return package


def _unpack(package: Path, folder: Path) -> None:
    folder.mkdir()
    with tarfile.open(package) as archive:
        for name, member in FILES.items():
            content = archive.extractfile(member)
            if content is None:
                raise CannotFetchError(f"the npm package {NAME} {VERSION} holds no file {member}")
            (folder / name).write_bytes(content.read())
    (folder / STAMP).write_text(SHA256)


def main() -> None:
    """Fetch it into the package, or say in one sentence why not."""
    try:
        fetch()
    except CannotFetchError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
