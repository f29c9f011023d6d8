"""Where the files of a HiPS are: in a folder, or on the web with a cache of downloaded files."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
import weakref
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from skykin.core.atomic import whole_file
from skykin.core.errors import RemoteError, ResourceError, shown
from skykin.survey.download import CACHE_VARIABLE, cache_folder, streamed, web_client
from skykin.survey.fits.check import looks_like_html
from skykin.survey.web_address import checked_host

if TYPE_CHECKING:
    import httpx

#: A tile of 512² doubles in three colours has 6 MB.
LARGEST_FILE = 16 << 20
TRIES = 3
FIRST_PAUSE_S = 0.5
READ_TIMEOUT_S = 20.0
DEADLINE_S = 120.0
#: Limit of the cache of all HiPS together; the files read longest ago go first.
CACHE_BYTES = 4 << 30
#: The copies are counted again after so many new ones.
COUNT_AFTER = 200
ABSENT = ".absent"
GONE = (404, 410)
#: Names of the copies of all HiPS together.
OWN_COPY = re.compile(r"[0-9a-f]{16}/([\w.-]+/)*(properties|Moc\.fits|Allsky\.\w+|Npix\d+\.\w+)[\w.]*")


class HipsStore(Protocol):
    """Gives the files of a HiPS."""

    @property
    def name(self) -> str:
        """What to call the HiPS."""

    def read(self, file: str) -> bytes | None:
        """Content of a file such as ``Norder3/Dir0/Npix7.fits``, None if there is none."""

    def forget(self, file: str) -> None:
        """Remove a copy that turned out to be damaged."""


class FolderStore:
    """A HiPS in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.resolve().name

    def read(self, file: str) -> bytes | None:
        """Content of a file, None if there is none."""
        path = self.folder / file
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
        _check_size(content, path.name)
        return content

    def forget(self, file: str) -> None:
        """Keep the file: it is no copy."""


class WebStore:
    """A HiPS on the web, whose downloaded files are kept in the cache folder."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.host = shown(checked_host(url))
        self.cache = cache_folder() / "hips" / hashlib.sha256(self.url.encode()).hexdigest()[:16]
        self._new = 0
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Last part of the address."""
        return urlsplit(self.url).path.rstrip("/").rpartition("/")[2] or self.host

    def read(self, file: str) -> bytes | None:
        """Content of a file, from the cache or the web; None if the server has none.

        Raises
        ------
        RemoteError
            If the server does not give it, after three tries.
        ResourceError
            If the cache folder cannot be written.
        """
        kept, absent = self.cache / file, self.cache / (file + ABSENT)
        if kept.is_file():
            os.utime(kept)  # it was read now
            return kept.read_bytes()
        if absent.is_file():
            return None
        content = self._fetch(file)
        path = absent if content is None else kept
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResourceError(
                f"cannot write in the cache folder {shown(path.parent)}: {error.strerror or error}; "
                f"set {CACHE_VARIABLE} to a folder that you may write",
                code="RS-READONLY",
            ) from error
        with whole_file(path) as temporary:
            temporary.write_bytes(content or b"")
        self._count()
        return content

    def has(self, file: str) -> bool:
        """Whether the server says that it has a file, which is not fetched."""
        import httpx  # noqa: PLC0415 - importing Skykin loads no network library

        try:
            with streamed(self._client, f"{self.url}/{file}", READ_TIMEOUT_S, "HEAD") as answer:
                answer.read()  # nothing, and leaves the connection to the next file
                return answer.is_success
        except (httpx.HTTPError, httpx.InvalidURL, RemoteError):  # said when a file is really needed
            return False

    def forget(self, file: str) -> None:
        """Remove a copy that turned out to be damaged."""
        (self.cache / file).unlink(missing_ok=True)

    def _fetch(self, file: str) -> bytes | None:
        for attempt in range(1, TRIES + 1):
            try:
                return self._once(file)
            except RemoteError as error:
                if attempt == TRIES or error.code in {"RM-BLOCKED", "RM-HTML", "RM-TOOBIG"}:
                    raise
                time.sleep(FIRST_PAUSE_S * 2**attempt)
        raise AssertionError  # the loop returns or raises

    @cached_property
    def _client(self) -> httpx.Client:
        """One client for all files, so that they come through the same connections."""
        client = web_client(READ_TIMEOUT_S)
        weakref.finalize(self, client.close)
        return client

    def _once(self, file: str) -> bytes | None:
        import httpx  # noqa: PLC0415 - importing Skykin loads no network library

        content, promised = b"", ""
        try:
            with streamed(self._client, f"{self.url}/{file}", DEADLINE_S) as answer:
                if answer.status_code in GONE:
                    return None
                answer.raise_for_status()
                promised = answer.headers.get("Content-Length", "")
                for piece in answer.iter_raw():
                    content += piece
                    _check_size(content, file)
        except httpx.HTTPStatusError as error:
            raise RemoteError(
                f"{self.host} answers {error.response.status_code} to {shown(file)}, {TRIES} times; try "
                "again later, what came is kept",
                code="RM-STATUS",
            ) from error
        except httpx.TimeoutException as error:
            raise RemoteError(
                f"{self.host} is too slow: {shown(file)} did not come within {READ_TIMEOUT_S:g} s of silence "
                f"or {DEADLINE_S:g} s in all, {TRIES} times; try again later, what came is kept",
                code="RM-TIMEOUT",
            ) from error
        except httpx.RemoteProtocolError as error:
            raise RemoteError(
                f"{shown(file)} from {self.host} broke off: {len(content)} of {promised or 'unknown'} bytes "
                f"came, {TRIES} times; try again, what came whole is kept",
                code="RM-TRUNC",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RemoteError(
                f"{shown(file)} cannot be had from {self.host} ({shown(error)}), {TRIES} times; check the "
                "network and try again, what came is kept",
                code="RM-UNREACHABLE",
            ) from error
        if looks_like_html(content[:64]):
            raise RemoteError(
                f"{self.host} sent a web page instead of {shown(file)}; check the address of the HiPS",
                code="RM-HTML",
            )
        return content

    def _count(self) -> None:
        """Remove the oldest copies when all together take too much."""
        with self._lock:
            self._new += 1
            if self._new % COUNT_AFTER:
                return
            trim(self.cache.parent, CACHE_BYTES)


def trim(folder: Path, most_bytes: int) -> None:
    """Remove copies that were not read for longest until the rest has at most `most_bytes`."""
    found = []
    for path in folder.rglob("*"):
        if not OWN_COPY.fullmatch(path.relative_to(folder).as_posix()) or path.is_symlink():
            continue  # somebody else's: the cache folder may be any folder
        try:
            status = path.stat()
        except OSError:  # another process removed it
            continue
        if path.is_file():
            found.append((status.st_mtime_ns, status.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= most_bytes:
            return
        path.unlink(missing_ok=True)
        total -= size


def _check_size(content: bytes, name: str) -> None:
    if len(content) > LARGEST_FILE:
        raise RemoteError(
            f"{shown(name)} has more than {LARGEST_FILE} bytes, which is no tile; choose another HiPS",
            code="RM-TOOBIG",
        )
