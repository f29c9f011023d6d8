"""Where the files of a HiPS are: in a folder, or on the web with a cache of downloaded files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
import time
import weakref
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from skykin.core.atomic import read_sealed, write_sealed
from skykin.core.errors import RemoteError, ResourceError, shown
from skykin.core.object_store import object_store
from skykin.core.protocols import Progress
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
PROPERTIES = "properties"
#: Name of the release before it is known.
UNKNOWN = "unknown"
#: Beginnings of properties that tell of the server, and change while the data does not.
OF_THE_SERVER = (b"hips_status", b"hips_service_url")
#: A tile that the server had not is asked for again after a day: servers grow.
ABSENT, ABSENT_FOR_S = ".absent", 86400.0
#: So many files are fetched before the release is looked at again.
MOST_UNCONFIRMED = 16
#: Requests to one HiPS at the same time, whatever number of threads look at it.
AT_ONCE = 4
#: Answers that mean what they say, however often one asks.
REFUSALS = frozenset({"RM-BLOCKED", "RM-HTML", "RM-TOOBIG"})
GONE = (404, 410)
#: Names of the copies of all HiPS together.
OWN_COPY = re.compile(r"[0-9a-f]{16}/([\w.-]+/)*(properties|Moc\.fits|Allsky\.\w+|Npix\d+\.\w+)[\w.]*")


class HipsStore(Protocol):
    """Gives the files of a HiPS."""

    @property
    def name(self) -> str:
        """What to call the HiPS."""

    def properties(self, progress: Progress) -> bytes | None:
        """Content of the file ``properties``, None if there is none."""

    def read(self, file: str) -> bytes | None:
        """Content of a file such as ``Norder3/Dir0/Npix7.fits``, None if there is none."""

    def confirm(self) -> None:
        """Make sure that all that was read is of one release."""

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

    def properties(self, progress: Progress) -> bytes | None:  # noqa: ARG002 - as of any store
        """Content of the file ``properties``, None if there is none."""
        return self.read(PROPERTIES)

    def read(self, file: str) -> bytes | None:
        """Content of a file, None if there is none."""
        path = self.folder / file
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
        _check_size(content, path.name)
        return content

    def confirm(self) -> None:
        """Trust the folder: it is its owner who changes it."""

    def forget(self, file: str) -> None:
        """Keep the file: it is no copy."""


class WebStore:
    """A HiPS on the web, whose downloaded files are kept in the cache folder, one folder for each release.

    The file ``properties``, which names the release, is fetched at each opening and again after other files:
    what came in between is of that release.  Copies are kept with their hash.  Of several servers the next
    one is asked where one fails, if it has the same release.

    Parameters
    ----------
    urls : str or sequence of str
        Address of the HiPS, or of each server that has it, the preferred one first.
    name : str
        What to call it; the last part of the address if left out.
    led_by : str
        Host of the registry that gave the addresses, if that is on the public network: then they may not
        lead to a private one.
    """

    def __init__(self, urls: str | Sequence[str], *, name: str = "", led_by: str = "") -> None:
        self.urls = tuple(url.rstrip("/") for url in ((urls,) if isinstance(urls, str) else urls))
        self._hosts = tuple(map(self._host_of, self.urls))
        self._given, self._led_by = name, led_by
        self._site = site_of(name or self.urls[0])
        self.cache = self._site / UNKNOWN
        self._at = 0
        self._of_this_release: set[int] = set()
        self._unconfirmed: dict[str, bytes | None] = {}
        self._replaced = False
        self._new = 0
        self._lock = threading.Lock()
        self._turn = threading.BoundedSemaphore(AT_ONCE)

    @staticmethod
    def _host_of(url: str) -> str:
        """Server of an address, for people."""
        return shown(checked_host(url))

    @property
    def name(self) -> str:
        """Its name, or the last part of the address."""
        return self._given or urlsplit(self.urls[0]).path.rstrip("/").rpartition("/")[2] or self.host

    @property
    def host(self) -> str:
        """The server that is asked now."""
        return self._hosts[self._at]

    @property
    def was_opened(self) -> bool:
        """Whether something of it is kept."""
        return self._site.is_dir()

    def properties(self, progress: Progress) -> bytes | None:
        """Content of the file ``properties`` as the server has it now, None if it has none.

        Without an answer it is what was kept of the last release.
        """
        kept = self._site / PROPERTIES
        try:
            content = self._fetch(PROPERTIES)
        except RemoteError as error:
            content = None if error.code in REFUSALS else read_sealed(kept)
            if content is None:
                raise
            progress.say(f"note: {self.host} does not answer; what is kept of its last release is used")
        else:
            if content is not None:
                self._keep(kept, content)
        if content is not None:
            self.cache = self._site / release_of(content)
            self._of_this_release = {self._at}
        return content

    def read(self, file: str) -> bytes | None:
        """Content of a file, from the cache or the web; None if the server has none.

        Raises
        ------
        RemoteError
            If the server does not give it, after three tries, or has another release now (``RM-CHANGED``).
        ResourceError
            If the cache folder cannot be written.
        """
        kept = self.cache / file
        content = read_sealed(kept)
        if content is not None:
            with contextlib.suppress(OSError):  # a cache that can only be read
                os.utime(kept)  # it was read now
            return content
        with self._lock:
            if file in self._unconfirmed:
                return self._unconfirmed[file]
        if _is_recent(self.cache / (file + ABSENT)):
            return None
        content = self._fetch(file)
        with self._lock:
            self._unconfirmed[file] = content
            full = len(self._unconfirmed) >= MOST_UNCONFIRMED
        if full:
            self.confirm()
        return content

    def confirm(self) -> None:
        """Make sure that what was fetched is of the release that was opened, and only then keep it.

        Raises
        ------
        RemoteError
            ``RM-CHANGED`` if the server has another release now.
        """
        with self._lock:
            fetched, self._unconfirmed = self._unconfirmed, {}
        if fetched and not self._replaced:
            try:
                now = self._fetch(PROPERTIES)
            except RemoteError:
                with self._lock:
                    self._unconfirmed = fetched | self._unconfirmed
                raise
            self._replaced = now is None or release_of(now) != self.cache.name
        if self._replaced:
            raise RemoteError(
                f"{self.host} has another release of {shown(self.name)} now than when it was opened; nothing "
                "of the two is mixed: run the same command again",
                code="RM-CHANGED",
            )
        for file, content in fetched.items():
            self._keep(self.cache / (file + ABSENT if content is None else file), content or b"")
            self._count()

    def _keep(self, path: Path, content: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResourceError(
                f"cannot write in the cache folder {shown(path.parent)}: {error.strerror or error}; "
                f"set {CACHE_VARIABLE} to a folder that you may write",
                code="RS-READONLY",
            ) from error
        write_sealed(path, content)

    def keeps(self, file: str) -> bool:
        """Whether a copy of a file is kept, or that the server has none."""
        return (self.cache / file).is_file() or _is_recent(self.cache / (file + ABSENT))

    def has(self, file: str) -> bool:
        """Whether the server says that it has a file, which is not fetched."""
        import httpx  # noqa: PLC0415 - importing Skykin loads no network library

        url = f"{self.urls[self._at]}/{file}"
        try:
            with streamed(self._client, url, READ_TIMEOUT_S, "HEAD", led_by=self._led_by) as answer:
                answer.read()  # nothing, and leaves the connection to the next file
                return answer.is_success
        except (httpx.HTTPError, httpx.InvalidURL, RemoteError):  # said when a file is really needed
            return False

    def forget(self, file: str) -> None:
        """Remove a copy that turned out to be damaged."""
        with self._lock:
            self._unconfirmed.pop(file, None)
        (self.cache / file).unlink(missing_ok=True)

    def _fetch(self, file: str) -> bytes | None:
        """Fetch a file: three tries, each of the server that answered last and then of the others."""
        refused: set[int] = set()
        error = RemoteError(f"no server of {shown(self.name)} has the release that was opened")
        for attempt in range(1, TRIES + 1):
            order = (*range(self._at, len(self.urls)), *range(self._at))
            for at in order:
                try:
                    if at in refused or not self._has_this_release(at):
                        continue
                    content = self._once(file, at)
                except RemoteError as caught:
                    error = caught
                    refused |= {at} if caught.code in REFUSALS else set()
                    continue
                if content is None and file == PROPERTIES and at != order[-1]:
                    continue  # this server gave the HiPS up; another may have it still
                self._at = at
                return content
            if attempt == TRIES or len(refused) == len(self.urls):
                raise self._none_answers(error)
            time.sleep(FIRST_PAUSE_S * 2**attempt)
        raise AssertionError  # the loop returns or raises

    def _has_this_release(self, at: int) -> bool:
        """Whether a server has the release that was opened; nothing of two is mixed."""
        if self.cache.name == UNKNOWN or at == self._at or at in self._of_this_release:
            return True
        content = self._once(PROPERTIES, at)
        if content is None or release_of(content) != self.cache.name:
            return False
        self._of_this_release.add(at)
        return True

    def _none_answers(self, error: RemoteError) -> RemoteError:
        if len(self.urls) == 1:
            return error
        return RemoteError(
            f"none of the {len(self.urls)} servers of {shown(self.name)} gives it; the last one: {error}",
            code=error.code,
        )

    @cached_property
    def _client(self) -> httpx.Client:
        """One client for all files, so that they come through the same connections."""
        client = web_client(READ_TIMEOUT_S)
        weakref.finalize(self, client.close)
        return client

    def _once(self, file: str, at: int) -> bytes | None:
        import httpx  # noqa: PLC0415 - importing Skykin loads no network library

        content, promised, host = b"", "", self._hosts[at]
        try:
            url = f"{self.urls[at]}/{file}"
            with self._turn, streamed(self._client, url, DEADLINE_S, led_by=self._led_by) as answer:
                if answer.status_code in GONE:
                    return None
                answer.raise_for_status()
                promised = answer.headers.get("Content-Length", "")
                for piece in answer.iter_raw():
                    content += piece
                    _check_size(content, file)
        except httpx.HTTPStatusError as error:
            raise RemoteError(
                f"{host} answers {error.response.status_code} to {shown(file)}, {TRIES} times; try "
                "again later, what came is kept",
                code="RM-STATUS",
            ) from error
        except httpx.TimeoutException as error:
            raise RemoteError(
                f"{host} is too slow: {shown(file)} did not come within {READ_TIMEOUT_S:g} s of silence "
                f"or {DEADLINE_S:g} s in all, {TRIES} times; try again later, what came is kept",
                code="RM-TIMEOUT",
            ) from error
        except httpx.RemoteProtocolError as error:
            raise RemoteError(
                f"{shown(file)} from {host} broke off: {len(content)} of {promised or 'unknown'} bytes "
                f"came, {TRIES} times; try again, what came whole is kept",
                code="RM-TRUNC",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RemoteError(
                f"{shown(file)} cannot be had from {host} ({shown(error)}), {TRIES} times; check the "
                "network and try again, what came is kept",
                code="RM-UNREACHABLE",
            ) from error
        if looks_like_html(content[:64]):
            raise RemoteError(
                f"{host} sent a web page instead of {shown(file)}; check the address of the HiPS",
                code="RM-HTML",
            )
        return content

    def _count(self) -> None:
        """Remove the oldest copies when all together take too much."""
        with self._lock:
            self._new += 1
            if self._new % COUNT_AFTER:
                return
            trim(self._site.parent, CACHE_BYTES)


class BucketStore(WebStore):
    """A HiPS in a bucket, such as ``s3://bucket/folder``; copies are kept as of any on the web."""

    @staticmethod
    def _host_of(url: str) -> str:
        return shown(object_store(url).bucket)

    def has(self, file: str) -> bool:
        """Whether the bucket has a file, which is not fetched."""
        return object_store(self.urls[0]).head(file) is not None

    def _once(self, file: str, at: int) -> bytes | None:
        store = object_store(self.urls[at])
        with self._turn:
            entry = store.head(file)
            if entry is None:
                return None
            if entry.size > LARGEST_FILE:
                raise _too_big(file)
            return store.read(file)


def site_of(name: str) -> Path:
    """Folder in which the copies of a HiPS of this name, or at this address, are kept."""
    return cache_folder() / "hips" / hashlib.sha256(name.encode()).hexdigest()[:16]


def release_of(properties: bytes) -> str:
    """Name a release: 16 digits of its hash."""
    return release_hash(properties)[:16]


def release_hash(properties: bytes) -> str:
    """Hash all properties that are about the data, not the server."""
    lines = (line.strip() for line in properties.splitlines())
    about = sorted(line for line in lines if line and not line.startswith((b"#", *OF_THE_SERVER)))
    return hashlib.sha256(b"\n".join(about)).hexdigest()


def _is_recent(absent: Path) -> bool:
    try:
        return time.time() - absent.stat().st_mtime < ABSENT_FOR_S
    except OSError:
        return False


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
        raise _too_big(name)


def _too_big(name: str) -> RemoteError:
    return RemoteError(
        f"{shown(name)} has more than {LARGEST_FILE} bytes, which is no tile; choose another HiPS",
        code="RM-TOOBIG",
    )
