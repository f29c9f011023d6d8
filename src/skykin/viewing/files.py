"""The page's own files, as they lie in the package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from skykin.core.errors import UnknownNameError, shown

TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg",
    ".wasm": "application/wasm", ".json": "application/json", ".woff2": "font/woff2", ".woff": "font/woff",
    ".ttf": "font/ttf", ".gif": "image/gif", ".ico": "image/x-icon", ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8", "": "text/plain; charset=utf-8",
}  # fmt: skip
HERE = Path(__file__).parent
PAGE = "index.html"


@dataclass(frozen=True)
class PackageFolder:
    """A folder of the package: the names of its files are known before anything is asked.

    Parameters
    ----------
    name : str
        ``client``: our page; ``aladin``: Aladin Lite.
    """

    name: str

    @cached_property
    def files(self) -> dict[str, Path]:
        """Each file by its path in the folder."""
        folder = HERE / self.name
        return {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in TYPES
        }

    def read(self, name: str) -> tuple[bytes, str]:
        """Give a file and its type.

        Raises
        ------
        UnknownNameError
            If there is none of that name.
        """
        path = self.files.get(name)
        if path is None:
            raise UnknownNameError(f"the page has no file {shown(name)}; load the page again")
        return path.read_bytes(), TYPES[path.suffix]
