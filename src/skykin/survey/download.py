"""One file fetched from the web, whole and with the right hash, or not at all."""

from __future__ import annotations

import hashlib
import math
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urljoin

from platformdirs import user_cache_path

from skykin.core.atomic import whole_file
from skykin.core.errors import RemoteError, ResourceError, shown
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.core.scratch import Scratch
from skykin.survey.fits.check import looks_like_html
from skykin.survey.web_address import checked_host, is_private, is_public

if TYPE_CHECKING:
    import httpx

#: A server that says nothing for so long is not going to.
READ_TIMEOUT_S = 30.0
#: 91 MB take this long at 25 kB a second.
DEADLINE_S = 3600.0
MOST_REDIRECTS = 20
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
        scratch = Scratch(destination.parent)
    except OSError as error:
        raise ResourceError(
            f"cannot write in the cache folder {shown(destination.parent)}: {error.strerror or error}; "
            f"set {CACHE_VARIABLE} to a folder that you may write",
            code="RS-READONLY",
        ) from error
    with scratch:
        part = scratch.folder / destination.name
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
            part.replace(temporary)


def web_client(read_timeout_s: float) -> httpx.Client:
    """Client for what `streamed` reads: the proxies of the environment and the certificates of the system."""
    import httpx  # noqa: PLC0415 - importing Skykin loads no network library

    def check(answer: httpx.Response) -> None:
        """Refuse a redirect that is no address of the web, before it is read as one."""
        if answer.has_redirect_location:
            checked_host(_joined(str(answer.url), answer.headers["Location"]))

    return httpx.Client(
        verify=ssl.create_default_context(),
        headers={"User-Agent": "skykin", "Accept-Encoding": "identity"},
        timeout=read_timeout_s,
        event_hooks={"response": [check]},
    )


@contextmanager
def streamed(
    client: httpx.Client, url: str, deadline_s: float, method: str = "GET", *, led_by: str = ""
) -> Iterator[httpx.Response]:
    """Answer of an ``https`` or ``http`` address, after redirects; its body is read piece by piece.

    Redirects, headers and body together have `deadline_s`, however slowly they come.  An address that a
    public host gave, `led_by`, may no more be private than one to which a public host redirects.

    Raises
    ------
    RemoteError
        ``RM-BLOCKED`` if an address is malformed or of another scheme, or a public one leads to a private
        one; ``RM-STATUS`` if there are too many redirects.
    httpx.ReadTimeout
        If the deadline is over.
    """
    host = checked_host(url)
    with _deadline(deadline_s):
        if led_by:
            if _was_private(host):
                raise _leads_astray(led_by, host)
            _own.redirect = led_by, host
        request = client.build_request(method, url, extensions={"trace": _trace})
        for _ in range(MOST_REDIRECTS):
            with closing(client.send(request, stream=True)) as answer:
                if answer.next_request is None:
                    yield answer
                    return
                here, request = request, answer.next_request
                # The body of the redirect is not read: it may have no end.
                target = request.url.raw_host.decode("ascii")
                if not is_private(host):
                    if is_private(target):
                        raise _leads_astray(here.url.host, target)
                    _own.redirect = here.url.host, target
    raise RemoteError(
        f"{shown(host)} leads from one address to the next more than {MOST_REDIRECTS} times; get the file "
        "elsewhere and give its path",
        code="RM-STATUS",
    )


#: Of addresses that a registry gave: judged once, as there is one for every tile; where each connection leads
#: is looked at anyway.
_was_private = lru_cache(maxsize=256)(is_private)


def _leads_astray(host: str, target: str) -> RemoteError:
    return RemoteError(
        f"{shown(host)} leads to the private address {shown(target)}, which is refused; get the file "
        "elsewhere and give its path",
        code="RM-BLOCKED",
    )


#: Of the download of this thread, because connections are shared by threads: when it must be over (``end``),
#: and which public host leads to which other (``redirect``).
_own = threading.local()


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    _own.end = time.monotonic() + seconds
    try:
        yield
    finally:
        _own.__dict__.clear()


def _trace(event: str, told: dict[str, Any]) -> None:
    """Check where a new connection leads, and let it keep the deadline of whoever uses it."""
    if event.endswith("connect_tcp.started"):
        _own.connecting = told.get("host")
    source, target = getattr(_own, "redirect", ("", None))
    if event.endswith("connect_tcp.complete") and target == getattr(_own, "connecting", ""):
        # A name may lead elsewhere than when it was judged; behind a proxy it is the proxy that looks it up.
        peer = str(told["return_value"].get_extra_info("server_addr")[0])
        if not is_public(peer):
            told["return_value"].close()
            raise _leads_astray(source, peer)
    if event.endswith(("connect_tcp.complete", "start_tls.complete")):
        stream = told["return_value"]
        stream.read = _within_deadline(stream.read)


def _within_deadline(read: Callable[[int, float | None], bytes]) -> Callable[[int, float | None], bytes]:
    import httpcore  # noqa: PLC0415 - see web_client

    def limited(max_bytes: int, timeout: float | None = None) -> bytes:
        left = getattr(_own, "end", math.inf) - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("deadline")
        return read(max_bytes, min(left, math.inf if timeout is None else timeout))

    return limited


class _Download:
    """The body of an answer, piece by piece, checked against the size and the clock."""

    def __init__(self, url: str, size_bytes: int, read_timeout_s: float, deadline_s: float) -> None:
        self.url, self.size_bytes = url, size_bytes
        self.read_timeout_s, self.deadline_s = read_timeout_s, deadline_s
        self.host = shown(checked_host(url))
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Hash of what has come so far."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        import httpx  # noqa: PLC0415

        got = 0
        try:
            client = web_client(self.read_timeout_s)
            with client, streamed(client, self.url, self.deadline_s) as answer:
                answer.raise_for_status()
                for piece in answer.iter_raw():
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
        except httpx.HTTPStatusError as error:
            answer = error.response
            raise RemoteError(
                f"{self.host} answers {answer.status_code} {shown(answer.reason_phrase)}; try again later, "
                "or get the file elsewhere and give its path",
                code="RM-STATUS",
            ) from error
        except httpx.TimeoutException as error:
            raise RemoteError(
                f"{self.host} is too slow: {got} of {self.size_bytes} bytes came before the limit of "
                f"{self.read_timeout_s:g} s of silence or {self.deadline_s:g} s in all; try again later",
                code="RM-TIMEOUT",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if got:
                raise self._cut_short(got) from error
            raise RemoteError(
                f"{self.host} cannot be reached ({shown(error)}); check the network and try again",
                code="RM-UNREACHABLE",
            ) from error
        if got < self.size_bytes:
            raise self._cut_short(got)

    def _cut_short(self, got: int) -> RemoteError:
        return RemoteError(
            f"the download from {self.host} broke off: {got} of {self.size_bytes} bytes came; try again",
            code="RM-TRUNC",
        )


def _joined(here: str, target: str) -> str:
    try:
        return urljoin(here, target)
    except ValueError:  # such as a bracket of IPv6 without its pair
        return target


def _write(stream: IO[bytes], piece: bytes, destination: Path) -> None:
    try:
        stream.write(piece)
    except OSError as error:
        raise ResourceError(
            f"cannot write in the cache folder {shown(destination.parent)}: {error.strerror or error}; "
            f"free some space or set {CACHE_VARIABLE} to another folder"
        ) from error
