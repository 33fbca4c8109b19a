"""STUN and TURN servers: how they are written in the settings, what browsers are told, credentials for coturn."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from avatarium.clock import HOUR_MS, SECOND_MS, Clock
from avatarium.errors import OptionError
from avatarium.settings import Settings

# RFC 7064 and RFC 7065; a user and password before the host are ours.
_WRITTEN = re.compile(
    r"(?P<scheme>stuns?|turns?):(?://)?(?:(?P<user>[^:@\s]+):(?P<password>[^@\s]+)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:@?/\s\[\]]+)(?::(?P<port>\d{1,5}))?(?:\?transport=(?P<transport>udp|tcp))?"
)
PORT, TLS_PORT = 3478, 5349


class Path(StrEnum):
    """How a server is spoken to."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class IceServer:
    """One STUN or TURN server."""

    host: str
    port: int
    relays: bool
    """Whether it passes media on (TURN), or only tells addresses (STUN)."""
    path: Path = Path.UDP
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """As browsers want it, without credentials."""
        scheme = ("turn" if self.relays else "stun") + ("s" if self.path is Path.TLS else "")
        host = f"[{self.host}]" if ":" in self.host else self.host
        # Browsers refuse a transport behind stun: (RFC 7064).
        transport = ("tcp" if self.path is Path.TLS else self.path.value) if self.relays else ""
        return f"{scheme}:{host}:{self.port}" + (f"?transport={transport}" if transport else "")


def read_server(text: str) -> IceServer:
    """Understand an entry of the setting ``ice_servers``.

    Besides ``turn:host:port?transport=tcp`` a TURN server may carry fixed credentials: ``turn:user:password@host``.

    Raises:
        OptionError: it is none.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if not found or not 0 < int(found["port"] or PORT) < 65536:
        raise OptionError(
            f"{text!r} in AVATARIUM_ICE_SERVERS is no STUN or TURN server; write it as stun:host:3478, "
            "turn:host:3478?transport=udp or turns:host:443?transport=tcp.",
            code="bad_setting",
        )
    secure = found["scheme"] in ("stuns", "turns")
    return IceServer(
        host=found["host"].strip("[]"),
        port=int(found["port"] or (TLS_PORT if secure else PORT)),
        relays=found["scheme"].startswith("turn"),
        path=Path.TLS if secure else Path(found["transport"] or "udp"),
        username=found["user"] or "",
        password=found["password"] or "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IceServers:
    """The servers of one installation, with credentials made for each who asks."""

    servers: tuple[IceServer, ...] = ()
    secret: str = field(default="", repr=False)
    lasts_s: float = 3 * 3600.0

    @classmethod
    def of(cls, settings: Settings) -> IceServers:
        """Read the settings.

        Raises:
            OptionError: an entry cannot be understood.
        """
        return cls(
            servers=tuple(read_server(text) for text in settings.ice_servers),
            secret=settings.turn_secret.get_secret_value(),
            lasts_s=settings.turn_hours * HOUR_MS / SECOND_MS,
        )

    def for_user(self, name: str, clock: Clock) -> tuple[IceServer, ...]:
        """The servers, with credentials for ``name`` where they are relays and have none of their own."""
        username, password = self._credentials(name, clock)
        return tuple(
            replace(server, username=username, password=password) if server.relays and not server.username else server
            for server in self.servers
        )

    def for_browser(self, name: str, clock: Clock) -> list[dict[str, Any]]:
        """``RTCConfiguration.iceServers`` for one viewer."""
        return [
            {"urls": [server.url]}
            | ({"username": server.username, "credential": server.password} if server.relays else {})
            for server in self.for_user(name, clock)
        ]

    def _credentials(self, name: str, clock: Clock) -> tuple[str, str]:
        """coturn's ``use-auth-secret`` (draft-uberti-behave-turn-rest-00): the user name carries when it expires."""
        if not self.secret:
            return "", ""
        username = f"{clock.now_ms() // SECOND_MS + round(self.lasts_s)}:{name}"
        digest = hmac.new(self.secret.encode(), username.encode(), hashlib.sha1).digest()
        return username, base64.b64encode(digest).decode()
