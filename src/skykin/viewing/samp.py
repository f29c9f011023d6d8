"""Sending targets to other programs on this computer by SAMP, through a hub that one of them runs.

References
----------
Taylor et al. 2012, Simple Application Messaging Protocol 1.3, IVOA Recommendation: the standard profile.
"""

from __future__ import annotations

import os
import socket
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xmlrpc.client import Error, Fault, ServerProxy, Transport

from skykin.core.errors import ResourceError
from skykin.viewing.answers import Sent

LOAD_TABLE = "table.load.votable"
#: Where a hub says how it is reached: a variable of the environment, else a file in the home folder.
VARIABLE, LOCKFILE = "SAMP_HUB", ".samp"
LOCK_URL = "std-lockurl:"
LARGEST_LOCKFILE = 65_536
#: Seconds that a program has to load a table, and that a hub has for an answer.
ANSWER_S = 5
PATIENCE_S = 2.0 * ANSWER_S
LOCAL = ("localhost", "127.0.0.1", "::1")


def send_table(address: str, name: str, identifier: str) -> Sent:
    """Ask all programs that read tables to load a VOTable.

    Parameters
    ----------
    address : str
        Where they fetch it.
    name : str
        What it is called there.
    identifier : str
        The same for the same table.

    Raises
    ------
    ResourceError
        If no hub runs on this computer (``RS-SAMP``).
    """
    try:
        lock = _lockfile().read_bytes()[:LARGEST_LOCKFILE].decode("utf-8", "replace")
        pairs = (line.partition("=")[::2] for line in lock.splitlines() if not line.startswith("#"))
        said = {key.strip(): value.strip() for key, value in pairs}
        url = said["samp.hub.xmlrpc.url"]
        if urlsplit(url).hostname not in (*LOCAL, socket.gethostname()):
            raise _no_hub()
        hub: Any = ServerProxy(url, transport=_Patient()).samp.hub
        key = hub.register(said["samp.secret"])["samp.private-key"]
        try:
            hub.declareMetadata(key, {"samp.name": "Skykin"})
            readers = hub.getSubscribedClients(key, LOAD_TABLE)
            table = {"url": address, "name": name, "table-id": identifier}
            message = {"samp.mtype": LOAD_TABLE, "samp.params": table}
            told = [reader for reader in readers if _loads(hub, key, reader, message)]
            names = sorted(str(hub.getMetadata(key, one).get("samp.name", one)) for one in told)
        finally:
            hub.unregister(key)
    except (OSError, Error, HTTPException, LookupError, ValueError, AttributeError, TypeError) as error:
        if isinstance(error, ResourceError):
            raise
        raise _no_hub() from error
    return Sent(programs=tuple(names))


def _loads(hub: Any, key: str, reader: str, message: dict[str, Any]) -> bool:
    """Tell whether a program took the message: it did not say no in the time that it had.

    A notice without an answer would be shorter, but a hub may drop it when its sender leaves at once.
    """
    try:
        answer = hub.callAndWait(key, reader, message, str(ANSWER_S))
    except Fault:
        # Too slow to answer: the table is on its way.
        return True
    return bool(answer.get("samp.status") != "samp.error")


def _no_hub() -> ResourceError:
    return ResourceError(
        "no SAMP hub runs on this computer; start TOPCAT, Aladin Desktop or DS9, and send again",
        code="RS-SAMP",
    )


def _lockfile() -> Path:
    """Find the file in which a hub says how it is reached."""
    said = os.environ.get(VARIABLE, "")
    if said.startswith(f"{LOCK_URL}file:"):
        return Path(unquote(urlsplit(said.removeprefix(LOCK_URL)).path))
    return Path.home() / LOCKFILE


class _Patient(Transport):
    """Waits for an answer as long as a person does."""

    def make_connection(self, host: Any) -> HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = PATIENCE_S
        return connection
