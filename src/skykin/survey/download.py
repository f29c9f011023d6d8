"""One file fetched from the web, whole and with the right hash, or not at all."""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import os
import shutil
import socket
import tempfile
import time
import urllib.error
import urllib.request
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from platformdirs import user_cache_path

from skykin.core.atomic import whole_file
from skykin.core.errors import RemoteError, ResourceError, shown
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.survey.fits.check import looks_like_html

SILENT = SilentProgress()
PIECE_BYTES = 1 << 16
#: A server that says nothing for so long is not going to.
READ_TIMEOUT_S = 30.0
#: 91 MB take this long at 25 kB a second.
DEADLINE_S = 3600.0
CACHE_VARIABLE = "SKYKIN_CACHE"


def cache_folder() -> Path:
    """Folder for downloads: ``$SKYKIN_CACHE`` or the system's place for caches; not made here."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else user_cache_path("skykin", appauthor=False)


def fetch(
    url: str,
    destination: Path,
    *,
    sha256: str,
    size_bytes: int,
    progress: Progress = SILENT,
    read_timeout_s: float = READ_TIMEOUT_S,
    deadline_s: float = DEADLINE_S,
) -> None:
    """Download a file whose size and hash are known.

    Parameters
    ----------
    url : str
        Address, ``https`` or ``http``.
    destination : Path
        Where the file goes; its folder is made.  Untouched unless all is right.
    sha256 : str
        Hash that the bytes must have, hexadecimal.
    size_bytes : int
        Length that the file must have; not one byte more is written.
    progress : Progress
    read_timeout_s : float
        Longest silence of the server.
    deadline_s : float
        Longest time for the whole file.

    Raises
    ------
    RemoteError
        ``RM-BLOCKED``: the address, or one it leads to, is not for us; ``RM-STATUS``, ``RM-UNREACHABLE``,
        ``RM-TIMEOUT``: no answer; ``RM-HTML``, ``RM-TRUNC``, ``RM-TOOBIG``, ``RM-HASH``: the wrong bytes.
    ResourceError
        If the folder cannot be written.
    """
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix=".download-", dir=destination.parent)
    except OSError as error:
        raise ResourceError(
            f"cannot write in the cache folder {shown(destination.parent)}: {error.strerror or error}; "
            f"set {CACHE_VARIABLE} to a folder that you may write",
            code="RS-READONLY",
        ) from error
    with scratch as folder:
        part = Path(folder) / "part"
        with progress.stage("Downloading", size_bytes, "bytes") as counter:
            download = _Download(url, size_bytes, read_timeout_s, deadline_s)
            with part.open("wb") as stream:
                for piece in download:
                    _write(stream, piece, destination)
                    counter.advance(len(piece))
        if download.sha256 != sha256:
            raise RemoteError(
                f"the file from {download.host} has SHA-256 {download.sha256}, but {sha256} was expected; "
                "it is removed: get the file elsewhere and give its path",
                code="RM-HASH",
            )
        with whole_file(destination) as temporary:
            shutil.move(part, temporary)


def open_address(url: str, read_timeout_s: float) -> Any:
    """Open an ``https`` or ``http`` address; what comes back is read piece by piece and closed.

    Redirects to private addresses are refused, unless the first address was private itself.

    Raises
    ------
    RemoteError
        ``RM-BLOCKED`` if the address is of another scheme, or leads where it must not.
    OSError
        In one of its kinds, if there is no answer.
    """
    _refuse_scheme(url)
    return _opener(url).open(_request(url), timeout=read_timeout_s)


class _Download:
    """The body of an answer, piece by piece, checked against the size and the clock."""

    def __init__(self, url: str, size_bytes: int, read_timeout_s: float, deadline_s: float) -> None:
        self.url, self.size_bytes = url, size_bytes
        self.read_timeout_s, self.deadline_s = read_timeout_s, deadline_s
        self.host = shown(urlsplit(url).hostname or url)
        self._digest = hashlib.sha256()
        _refuse_scheme(url)

    @property
    def sha256(self) -> str:
        """Hash of what has come so far."""
        return self._digest.hexdigest()

    def __iter__(self) -> Any:
        end = time.monotonic() + self.deadline_s
        got = 0
        try:
            with _opener(self.url).open(_request(self.url), timeout=self.read_timeout_s) as answer:
                # read1 returns what has arrived: read would wait for more past the deadline.
                while piece := answer.read1(PIECE_BYTES):
                    if got == 0 and looks_like_html(piece):
                        raise RemoteError(
                            f"{self.host} sent a web page instead of the file; try again later, or get the "
                            "file in a browser and give its path",
                            code="RM-HTML",
                        )
                    got += len(piece)
                    if got > self.size_bytes:
                        raise RemoteError(
                            f"{self.host} sends more than the {self.size_bytes} bytes of the file; "
                            "get the file elsewhere and give its path",
                            code="RM-TOOBIG",
                        )
                    self._digest.update(piece)
                    yield piece
                    if time.monotonic() > end:
                        raise TimeoutError
        except RemoteError:
            raise
        except (OSError, http.client.HTTPException) as error:
            raise self._explained(error, got) from error
        if got < self.size_bytes:
            raise self._cut_short(got)

    def _explained(self, error: Exception, got: int) -> RemoteError:
        reason = getattr(error, "reason", error)
        if isinstance(error, urllib.error.HTTPError):
            error.close()
            return RemoteError(
                f"{self.host} answers {error.code} {shown(error.reason)}; try again later, or get the file "
                "elsewhere and give its path",
                code="RM-STATUS",
            )
        if isinstance(reason, TimeoutError):
            return RemoteError(
                f"{self.host} is too slow: {got} of {self.size_bytes} bytes came before the limit of "
                f"{self.read_timeout_s:g} s of silence or {self.deadline_s:g} s in all; try again later",
                code="RM-TIMEOUT",
            )
        if got:
            return self._cut_short(got)
        return RemoteError(
            f"{self.host} cannot be reached ({shown(reason)}); check the network and try again",
            code="RM-UNREACHABLE",
        )

    def _cut_short(self, got: int) -> RemoteError:
        return RemoteError(
            f"the download from {self.host} broke off: {got} of {self.size_bytes} bytes came; try again",
            code="RM-TRUNC",
        )


class _GuardedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to public web addresses only, unless the first address was private itself."""

    def __init__(self, private_allowed: bool) -> None:
        self.private_allowed = private_allowed

    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> Any:
        """Check where the answer leads before following."""
        try:
            self._check(req.full_url, urljoin(req.full_url, headers.get("Location", "")))
        except RemoteError:
            fp.close()
            raise
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def _check(self, here: str, target: str) -> None:
        _refuse_scheme(target)
        if not self.private_allowed and _is_private(urlsplit(target).hostname):
            raise RemoteError(
                f"{shown(urlsplit(here).hostname)} leads to the private address "
                f"{shown(urlsplit(target).hostname)}, which is refused; get the file elsewhere and give "
                "its path",
                code="RM-BLOCKED",
            )


def _opener(url: str) -> urllib.request.OpenerDirector:
    """HTTP, HTTPS and the proxies of the environment; unlike the default, neither files nor FTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _GuardedRedirects(_is_private(urlsplit(url).hostname)),
    ):
        opener.add_handler(handler)
    return opener


def _request(url: str) -> urllib.request.Request:
    return urllib.request.Request(url, headers={"User-Agent": "skykin"})  # noqa: S310 (the scheme is checked)


def _refuse_scheme(url: str) -> None:
    scheme = urlsplit(url).scheme
    if scheme not in ("https", "http"):
        raise RemoteError(
            f"an address that begins with {shown(scheme + ':')} is refused; only https and http are followed",
            code="RM-BLOCKED",
        )


def _is_private(host: str | None) -> bool:
    """Whether a host is off the public network; False where names are not resolved, as behind a proxy."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(not ipaddress.ip_address(str(entry[4][0])).is_global for entry in found)


def _write(stream: IO[bytes], piece: bytes, destination: Path) -> None:
    try:
        stream.write(piece)
    except OSError as error:
        raise ResourceError(
            f"cannot write in the cache folder {shown(destination.parent)}: {error.strerror or error}; "
            f"free some space or set {CACHE_VARIABLE} to another folder"
        ) from error
