"""Addresses of the web: which are well-formed, and which lie on the public network."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from skykin.core.errors import RemoteError, shown

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Networks of IPv6 whose last four bytes are an address of IPv4: compatible, mapped, translated, and NAT64.
ENDING_IN_IPV4 = tuple(
    ipaddress.IPv6Network(each) for each in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)
#: The NAT64 of a network of one's own (RFC 8215), which not every Python counts as private.
LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
#: Not in an address: spaces, controls, and what a shell or parser takes for something else.
ODD = re.compile(r"[\x00-\x20\x7f-\xa0<>\"\\^`{|}]")
LONGEST_LABEL, LONGEST_NAME, LONGEST_URL = 63, 253, 4096


def checked_host(url: str) -> str:
    """Return the host of a well-formed ``https`` or ``http`` address.

    Raises
    ------
    RemoteError
        ``RM-BLOCKED`` for any other.
    """
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = url.partition(":")[0]
    if scheme not in ("https", "http"):
        raise RemoteError(
            f"an address that begins with {shown(scheme + ':')} is refused; only https and http are followed",
            code="RM-BLOCKED",
        )
    try:
        return _host(url)
    except ValueError as error:
        raise RemoteError(
            f"{shown(url)} is no address of the web: {error}; check it", code="RM-BLOCKED"
        ) from error


def _host(url: str) -> str:
    """Return the host; ValueError says what is wrong with the address."""
    if len(url) > LONGEST_URL:
        raise ValueError(f"it has {len(url)} characters, more than {LONGEST_URL}")
    if ODD.search(url):
        raise ValueError("it holds a space or another character that none has")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("its host or port cannot be read") from error
    if not host:
        raise ValueError("it names no host")
    if ":" in host:
        ipaddress.ip_address(host.partition("%")[0])
    else:
        _check_name(host)
    return host


def _check_name(host: str) -> None:
    try:
        name = host.encode("ascii") if host.isascii() else host.encode("idna")
    except UnicodeError as error:
        raise ValueError("its host is no name") from error
    labels = name.rstrip(b".").split(b".")
    if len(name) > LONGEST_NAME or not all(0 < len(label) <= LONGEST_LABEL for label in labels):
        raise ValueError(f"a part of its host is empty or has more than {LONGEST_LABEL} letters")
    if not all(re.fullmatch(rb"[A-Za-z0-9_-]+", label) for label in labels):
        raise ValueError("its host holds a character that none has")


def is_private(host: str | None) -> bool:
    """Whether a host is not on the public network; False where names are not resolved, as behind a proxy."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return not all(is_public(str(entry[4][0])) for entry in found)


def is_public(address: str) -> bool:
    """Whether an IP address, and each that is written within it, is on the public network."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if ip in LOCAL_NAT64:
        return False
    return all(each.is_global and not each.is_multicast for each in [*_within(ip)] or [ip])


def _within(ip: IPAddress) -> Iterator[IPAddress]:
    """Addresses of IPv4 that an address of IPv6 leads to."""
    if isinstance(ip, ipaddress.IPv4Address):
        return
    if any(ip in network for network in ENDING_IN_IPV4):
        yield ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip.sixtofour is not None:
        yield ip.sixtofour
    if ip.teredo is not None:
        yield from ip.teredo
