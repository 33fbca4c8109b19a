"""Under which addresses this machine offers itself to viewers."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from contextlib import closing

import ifaddr

ADDRESSES_MAX = 6
"""Each is a socket for each viewer; a machine with many container networks has dozens."""
_FAR = ("192.0.2.1", "2001:db8::1")
"""Addresses that nobody has (RFC 5737, RFC 3849): the way to them is the way to the internet."""


def local_addresses() -> list[str]:
    """The addresses of this machine that others may reach, those of the way to the internet first."""
    found = [
        ip.ip if isinstance(ip.ip, str) else ip.ip[0]
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        # Link-local addresses of IPv6 say nothing without the interface's number.
        if isinstance(ip.ip, str) or ip.ip[2] == 0
    ]
    usable = [text for text in dict.fromkeys(found) if _offers(text)]
    outward = _outward()
    return sorted(usable, key=lambda text: outward.index(text) if text in outward else len(outward))


def _offers(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return not (address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast)


def _outward() -> list[str]:
    return [found for far in _FAR if (found := source_towards(far))]


def source_towards(far: str) -> str:
    """The own address that packets to ``far`` leave from; nothing is sent. Empty where there is no way."""
    family = socket.AF_INET6 if ":" in far else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect((far, 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def to_bind(own: Sequence[str], viewer: str) -> list[str]:
    """On which addresses to open a socket for a viewer who asked from ``viewer`` (empty where that is not known).

    Loopback is among them only for a viewer on this machine, or where there is nothing else: a machine that is
    offline shows its own pages.
    """
    chosen = list(own[:ADDRESSES_MAX])
    if is_loopback(viewer) or not chosen:
        chosen.append("127.0.0.1")
    return chosen


def visitor_of(text: str) -> str:
    """Whose address it is, where somebody is counted by it: all of an IPv6 /64 are one."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text[:64]
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else text


def is_loopback(text: str) -> bool:
    """Whether it is an address of this machine's own inside."""
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return text == "localhost"


def is_private(text: str) -> bool:
    """Whether it is an address of a local network."""
    try:
        return not ipaddress.ip_address(text.partition("%")[0]).is_global
    except ValueError:
        return False


def any_public(addresses: Iterable[str]) -> bool:
    """Whether one of them can be reached from the internet, so that no server need tell our address."""
    return any(not is_private(text) for text in addresses)
