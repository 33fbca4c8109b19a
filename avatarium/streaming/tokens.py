"""Agora's AccessToken2: what opens a room to its viewers.

``"007"`` and base64 of the deflated packing, little-endian, texts with 16 bits of length before them::

    signature                      HMAC-SHA256(key, info)
    info   app id, issued at (s), valid for (s), salt, number of services,
           per service: type, number of privileges, each with its seconds, and for RTC: channel, user id as text
    key    HMAC-SHA256(salt, HMAC-SHA256(issued at, certificate))

A token of this installation opens its own rooms; where the operator's app id and certificate are set it is a real one
as well, and byte for byte (before deflating) what Agora's own builder makes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum

from avatarium.errors import AuthError
from avatarium.secret import derive
from avatarium.settings import Settings

VERSION = "007"
RTC = 1
"""The type of the service that carries sound and picture."""
SALT_MAX = 99_999_999
LONGEST = 2048
"""Characters of a token that are looked at; ours have about 180."""
UNPACKED_MAX = 4096
APP_ID_DIGITS = 32


class Privilege(IntEnum):
    """What a token allows in a room."""

    JOIN = 1
    PUBLISH_AUDIO = 2
    PUBLISH_VIDEO = 3
    PUBLISH_DATA = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What tokens are made and checked with."""

    app_id: str
    """32 hexadecimal digits."""
    certificate: str = field(repr=False)

    @classmethod
    def of(cls, settings: Settings, secret: bytes) -> Credentials:
        """The operator's own, or this installation's."""
        derived = derive(secret, "streaming.app").hex()
        return cls(
            app_id=settings.agora_app_id or derived[:APP_ID_DIGITS],
            certificate=settings.agora_certificate.get_secret_value() or derived[APP_ID_DIGITS:],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What a token says."""

    app_id: str
    channel: str
    uid: str
    """Of the user as text; empty is anybody."""
    issued_s: int
    """Seconds since 1970."""
    valid_s: int
    salt: int
    privileges: dict[int, int]
    """Seconds for which each holds, from issuing on."""

    @property
    def expires_s(self) -> int:
        """When it stops to open anything; the privilege to join may end before the token does."""
        return self.ends_s(Privilege.JOIN)

    def ends_s(self, privilege: Privilege) -> int:
        """When it stops to allow something, in seconds since 1970; at once what it does not name."""
        return self.issued_s + min(self.valid_s, self.privileges.get(privilege, 0))

    def allows(self, privilege: Privilege) -> bool:
        """Whether it names a privilege."""
        return privilege in self.privileges


def viewer_token(
    credentials: Credentials, *, channel: str, uid: int, issued_s: int, valid_s: int, microphone: bool, salt: int = 0
) -> str:
    """A token for the viewers of a room: to join, and to send sound where the room takes it.

    Args:
        credentials: of the installation.
        channel: the room.
        uid: of the viewers; 0 is anybody.
        issued_s: seconds since 1970.
        valid_s: from then on.
        microphone: whether they may publish sound.
        salt: 1 to 99,999,999; 0 takes one by chance.
    """
    wanted = (Privilege.JOIN, Privilege.PUBLISH_AUDIO) if microphone else (Privilege.JOIN,)
    token = AccessToken(
        app_id=credentials.app_id,
        channel=channel,
        uid=str(uid) if uid else "",
        issued_s=issued_s,
        valid_s=valid_s,
        salt=salt or secrets.randbelow(SALT_MAX) + 1,
        privileges={privilege.value: valid_s for privilege in wanted},
    )
    return build(token, credentials.certificate)


def build(token: AccessToken, certificate: str) -> str:
    """Sign and pack a token."""
    return VERSION + base64.b64encode(zlib.compress(packed(token, certificate))).decode()


def packed(token: AccessToken, certificate: str) -> bytes:
    """A token before it is deflated."""
    info = _info(token)
    return _text(_signature(token, certificate, info)) + info


def parse(text: str) -> tuple[AccessToken, bytes, bytes]:
    """A token, its signature, which nobody has checked yet, and what is signed.

    Raises:
        AuthError: ``bad_room_token``: it is none, or opens something else than sound and picture.
    """
    if not text.startswith(VERSION) or len(text) > LONGEST:
        raise _no_token()
    try:
        deflated = base64.b64decode(text.removeprefix(VERSION), validate=True)
        unpacker = zlib.decompressobj()
        reader = _Reader(unpacker.decompress(deflated, UNPACKED_MAX))
        signature = reader.text()
        info = reader.rest()
        token = _read(reader)
    except (ValueError, zlib.error, struct.error):  # of base64 and of texts, too
        raise _no_token() from None
    return token, signature, info


def verified(text: str, credentials: Credentials) -> AccessToken:
    """A token that this installation, or its operator's certificate, has signed. When it expires is for the caller.

    Raises:
        AuthError: ``bad_room_token``.
    """
    token, signature, info = parse(text)
    wanted = _signature(token, credentials.certificate, info)
    if token.app_id != credentials.app_id or not hmac.compare_digest(signature, wanted):
        raise _no_token()
    return token


# Inside


class _Reader:
    """Takes values off packed bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def rest(self) -> bytes:
        """What was not taken yet; it is not taken by this."""
        return self._data[self._at :]

    def short(self) -> int:
        return self._number("<H")

    def long(self) -> int:
        return self._number("<I")

    def text(self) -> bytes:
        length = self.short()
        if self._at + length > len(self._data):
            raise struct.error("a text ends early")
        self._at += length
        return self._data[self._at - length : self._at]

    def _number(self, layout: str) -> int:
        value: int = struct.unpack_from(layout, self._data, self._at)[0]
        self._at += struct.calcsize(layout)
        return value


def _read(reader: _Reader) -> AccessToken:
    app_id = reader.text().decode()
    issued_s, valid_s, salt = reader.long(), reader.long(), reader.long()
    for _ in range(reader.short()):
        if reader.short() != RTC:
            break  # services come in the order of their numbers, and RTC has the first
        privileges = {reader.short(): reader.long() for _ in range(reader.short())}
        return AccessToken(
            app_id=app_id,
            channel=reader.text().decode(),
            uid=reader.text().decode(),
            issued_s=issued_s,
            valid_s=valid_s,
            salt=salt,
            privileges=privileges,
        )
    raise _no_token()


def _info(token: AccessToken) -> bytes:
    privileges = b"".join(_short(name) + _long(seconds) for name, seconds in sorted(token.privileges.items()))
    return (
        _text(token.app_id.encode())
        + _long(token.issued_s)
        + _long(token.valid_s)
        + _long(token.salt)
        + _short(1)
        + _short(RTC)
        + _short(len(token.privileges))
        + privileges
        + _text(token.channel.encode())
        + _text(token.uid.encode())
    )


def _signature(token: AccessToken, certificate: str, info: bytes) -> bytes:
    by_time = hmac.digest(_long(token.issued_s), certificate.encode(), hashlib.sha256)
    return hmac.digest(hmac.digest(_long(token.salt), by_time, hashlib.sha256), info, hashlib.sha256)


def _short(value: int) -> bytes:
    return struct.pack("<H", value)


def _long(value: int) -> bytes:
    return struct.pack("<I", value)


def _text(value: bytes) -> bytes:
    return _short(len(value)) + value


def _no_token() -> AuthError:
    return AuthError(
        "This is no token of a room here. Send the `token` of agora-token as `Authorization: Bearer 007...`.",
        code="bad_room_token",
    )
