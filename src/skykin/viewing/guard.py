"""Who may ask the server, within which bounds, and what every answer says to the browser."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.requests import ClientDisconnect

from skykin.core.errors import UsageError, shown
from skykin.viewing.problems import problem
from skykin.viewing.reading import LONGEST_BODY

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = Iterable[tuple[bytes, bytes]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Seconds in which a body must arrive, and in which a part of an answer must be taken.
BODY_S, PART_S = 10.0, 30.0
LONGEST_PATH = 4_000
LOCAL = ("127.0.0.1", "localhost", "[::1]")
METHODS = {"GET", "HEAD", "POST", "PUT"}
#: What a browser says of where a request comes from: the page itself, or the person.
OURS = {"", "same-origin", "none"}
#: What may hold the page in a frame.
ANCESTOR = re.compile(r"'none'|'self'|https?://(\[[0-9a-f:]+\]|[\w.*-]+)(:(\d+|\*))?|[a-z][a-z0-9.+-]*:")


def frame_ancestors(text: str) -> str:
    """Check which pages may show ours in a frame.

    Raises
    ------
    UsageError
        If it is no list of ``'none'``, ``'self'`` and addresses.
    """
    parts = text.split()
    if not parts or not all(ANCESTOR.fullmatch(each) for each in parts):
        raise UsageError(
            f"the frame ancestors are {shown(text)}; give 'none', 'self' or addresses such as "
            "http://localhost:8888 with spaces between"
        )
    return " ".join(parts)


@dataclass(frozen=True)
class Door:
    """What a server lets in.

    Parameters
    ----------
    host : str
        Address that it listens at.
    port : int
    ancestors : str
        Which pages may show ours in a frame, as the header ``frame-ancestors`` says it.
    token : str
        Begins every path; random.
    """

    host: str
    port: int
    ancestors: str = "'none'"
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def is_local(self) -> bool:
        """Whether only this computer can reach it."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @property
    def address(self) -> str:
        """Address of the page."""
        host = self.host
        if host in ("0.0.0.0", "::"):  # noqa: S104 - told, not bound
            host = socket.gethostname()
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/{self.token}/"

    def knows(self, host: str) -> bool:
        """Tell whether a request was sent to us by this name.

        A name that someone else can point at this computer, as DNS rebinding does, is none of ours.
        """
        name, _, port = host.rpartition(":")
        if port != str(self.port):
            return False
        if name.lower() in LOCAL or name.lower() == self.host.lower():
            return True
        return not self.is_local and (_is_address(name) or name.lower() == socket.gethostname().lower())

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Tell the browser: nothing from elsewhere, nothing guessed, nothing told to others."""
        policy = (
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
            "img-src 'self' data:; connect-src 'self' data:; worker-src blob:; "
            "form-action 'none'; base-uri 'none'; "
            f"frame-ancestors {self.ancestors}"
        )
        return [
            (b"content-security-policy", policy.encode("ascii")),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"cross-origin-opener-policy", b"same-origin"),
        ]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Guard:
    """Stands before the application: refuses what is not from the page, and bounds what is sent.

    Parameters
    ----------
    app : ASGI application
        Sees paths without the token.
    door : Door
    """

    app: App
    door: Door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it holds."""
        begun = False

        async def told(message: MutableMapping[str, Any]) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message.get("headers", []), *self.door.headers()]
            await asyncio.wait_for(send(message), PART_S)

        try:
            _check_sender(scope["headers"], self.door)
            scope["path"] = _checked_path(scope, self.door)
            _check_body(scope)
            await self.app(scope, _bounded(receive), told)
        except ClientDisconnect:  # Nobody waits for an answer any more.
            return
        except TimeoutError:  # Who reads nothing for so long is gone.
            raise
        except Exception as error:  # One bad request never stops the server.
            if begun:
                raise
            await problem(error)(scope, receive, told)


class RefusedError(UsageError):
    """A request that is not answered.

    Parameters
    ----------
    sentence : str
    status : int
        Of the answer.
    """

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


ELSEWHERE = "use the address that was printed"


def _check_sender(headers: Headers, door: Door) -> None:
    """Refuse what was sent to another host, or by another page."""
    host, origin = _only(headers, b"host"), _only(headers, b"origin")
    if not door.knows(host):
        raise RefusedError(f"the request was sent to another host, {shown(host)}; {ELSEWHERE}", 421)
    if origin and origin != f"http://{host}":
        raise RefusedError(f"the request comes from another page, {shown(origin)}; {ELSEWHERE}", 403)


def _checked_path(scope: Scope, door: Door) -> str:
    """Give the path without the token.

    Who knows the token knows the address; a page elsewhere that knows it may open ours, and nothing else.
    """
    path: str = scope["path"]
    if len(path) > LONGEST_PATH:
        raise RefusedError(f"the path has {len(path)} characters; use at most {LONGEST_PATH}", 414)
    first, _, rest = path[1:].partition("/")
    if not hmac.compare_digest(first.encode("utf-8", "replace"), door.token.encode()):
        raise RefusedError(f"there is no such page; {ELSEWHERE}", 404)
    site = _only(scope["headers"], b"sec-fetch-site")
    opened = _only(scope["headers"], b"sec-fetch-mode") == "navigate" and rest == ""
    if site not in OURS and not opened:
        raise RefusedError(f"the request comes from another page; {ELSEWHERE}", 403)
    return f"/{rest}"


def _check_body(scope: Scope) -> None:
    """Refuse methods that are not known, and bodies that are not JSON or too long."""
    if scope["method"] not in METHODS:
        raise RefusedError(f"the method {shown(scope['method'])} is not known here; use GET", 405)
    if scope["method"] in ("POST", "PUT"):
        kind = _only(scope["headers"], b"content-type")
        if kind.partition(";")[0].strip().lower() != "application/json":
            raise RefusedError(f"the body is {shown(kind)}; send application/json", 415)
        length = _only(scope["headers"], b"content-length") or "0"
        if not length.isdecimal() or len(length) > 12 or int(length) > LONGEST_BODY:
            raise RefusedError(f"the body is too long; send at most {LONGEST_BODY:,} bytes", 413)


def _only(headers: Headers, name: bytes) -> str:
    """Value of a header, empty where there is none; what is sent twice is refused."""
    values = [value for key, value in headers if key.lower() == name]
    if len(values) > 1:
        raise RefusedError(f"the request has the header {name.decode()} twice; send it once", 400)
    return values[0].decode("latin-1") if values else ""


def _bounded(receive: Receive) -> Receive:
    """Refuse a body that is too long or comes too slowly."""
    count, ends = 0, asyncio.get_running_loop().time() + BODY_S

    async def received() -> MutableMapping[str, Any]:
        nonlocal count
        left = ends - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(receive(), max(left, 0.001))
        except TimeoutError as error:
            raise RefusedError(f"the body did not come within {BODY_S:g} s; send it at once", 408) from error
        count += len(message.get("body", b""))
        if count > LONGEST_BODY:
            raise RefusedError(f"the body is too long; send at most {LONGEST_BODY:,} bytes", 413)
        return message

    return received
