"""The server of a page: it runs on a thread of its own until it is closed."""

from __future__ import annotations

import asyncio
import socket
import threading
from html import escape
from types import TracebackType
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from skykin.core.errors import ResourceError, shown
from skykin.viewing.app import Page
from skykin.viewing.guard import Door, Guard

#: Seconds in which the lines of a request must arrive, and for which a quiet connection stays open.
HEAD_S, QUIET_S = 10.0, 15
#: Connections at a time: a process has a thousand files open at most on many systems.
MOST_CONNECTIONS = 400
#: Bytes of the lines of a request.
LONGEST_HEAD = 32_768
WAITING = 256


class Hurried(H11Protocol):
    """A connection that is closed where a request does not arrive in time."""

    _ends: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Go on waiting until the lines of a request are whole; then its body has a time of its own."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        else:
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._ends is None:
            self._ends = self.loop.call_later(HEAD_S, self._late)

    def _stop(self) -> None:
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None

    def _late(self) -> None:
        self._ends = None
        if not self.transport.is_closing():
            self.transport.close()


class View:
    """A page that is being served; close it, or use it in a ``with`` block.

    Attributes
    ----------
    url : str
        Address of the page, with the token that lets one in.
    is_local : bool
        Whether only this computer can reach it.
    fragment : str
        What a notebook shows first: state of the page, as behind ``#`` in its address.
    """

    fragment = ""

    def __init__(self, page: Page, door: Door, listening: socket.socket) -> None:
        self._page, self.url, self.is_local = page, door.address, door.is_local
        config = uvicorn.Config(
            Guard(page.app, door),
            http=Hurried,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=QUIET_S,
            timeout_graceful_shutdown=2,
            limit_concurrency=MOST_CONNECTIONS,
            h11_max_incomplete_event_size=LONGEST_HEAD,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listening],), name="skykin view", daemon=True
        )
        self._thread.start()

    def __repr__(self) -> str:
        return f"<View at {self.url}>"

    def _repr_html_(self) -> str:
        """Show the page in a notebook, if it lets the notebook hold it (``frame_ancestors``)."""
        address = escape(f"{self.url}#{self.fragment}")
        style = "width: 100%; height: 780px; border: 1px solid #888"
        return f'<iframe src="{address}" title="Skykin" allow="clipboard-write" style="{style}"></iframe>'

    @property
    def is_open(self) -> bool:
        """Whether the page is still served."""
        return self._thread.is_alive()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it is closed, or for some seconds."""
        self._thread.join(seconds)

    def close(self) -> None:
        """Stop serving the page."""
        self._server.should_exit = True
        self._thread.join(10)
        self._page.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def listen(host: str, port: int | None) -> socket.socket:
    """Listen at an address; at a free port where none is given.

    Raises
    ------
    ResourceError
        If the port is in use, or the address is none of this computer.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port or 0))
        listening.listen(WAITING)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise ResourceError(
            f"cannot listen at {shown(host)}, port {port or 'any'}: {reason}; choose another --port or "
            "--host",
            code="RS-PORT",
        ) from error
    return listening
