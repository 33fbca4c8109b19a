"""Who is at the door: keys and tokens looked up, remembered for a few seconds, and judged anew at every call."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass

import sqlalchemy as sa

from avatarium.accounts import keys, tokens
from avatarium.accounts.models import Credential, Principal, Role, api_keys, users
from avatarium.clock import SECOND_MS, Clock
from avatarium.database import Database
from avatarium.errors import AuthError, ForbiddenError, RequestError, UnavailableError

REMEMBERED_S = 3.0
REMEMBERED_MAX = 4096
TOKEN_LONGEST = 8192
LOGIN_KEY_ID = "login"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """What the database said about a key or token."""

    principal: Principal
    key_expires_ms: int | None
    used_ms: int | None
    disabled: bool
    read_s: float


class Door:
    """Authenticates. Threads may share it."""

    def __init__(self, database: Database, clock: Clock, signing_key: bytes) -> None:
        self._database = database
        self._clock = clock
        self._signing_key = signing_key
        self._cards: OrderedDict[str, _Card] = OrderedDict()
        self._forgotten = 0
        self._lock = threading.Lock()

    def authenticate(self, token: str, *, origin: str | None) -> Principal:
        """See :meth:`avatarium.accounts.service.Accounts.authenticate`."""
        digest, claims = self._read(token)
        card = self._remembered(digest) or self._look_up(digest, claims)
        _judge(card, origin, self._clock.now_ms())
        return card.principal

    def recall(self, token: str, *, origin: str | None) -> Principal | None:
        """See :meth:`avatarium.accounts.service.Accounts.recall`."""
        card = self._remembered(self._read(token)[0])
        if card is None:
            return None
        _judge(card, origin, self._clock.now_ms())
        return card.principal

    def client_token(self, principal: Principal, *, seconds: float, scopes: tuple[str, ...]) -> str:
        """Sign a client token that hangs on the key of a principal."""
        with self._database.read() as c:
            epoch = c.execute(sa.select(users.c.epoch).where(users.c.id == principal.user_id)).scalar_one()
        now_ms = self._clock.now_ms()
        claims = tokens.Claims(
            kind=Credential.CLIENT,
            user_id=principal.user_id,
            epoch=epoch,
            key_id="" if principal.kind is Credential.LOGIN else principal.key_id,
            scopes=scopes,
            origins=principal.origins,
            issued_ms=now_ms,
            expires_ms=now_ms + round(seconds * SECOND_MS),
        )
        return tokens.sign(claims, self._signing_key)

    def end_of(self, principal: Principal) -> int | None:
        """When the key of a principal expires; None for keys that do not, and for log-ins."""
        query = sa.select(api_keys.c.expires_ms).where(
            api_keys.c.id == principal.key_id, api_keys.c.user_id == principal.user_id
        )
        with self._database.read() as c:
            ends_ms: int | None = c.execute(query).scalar_one_or_none()
        return ends_ms

    def forget_user(self, user_id: str) -> None:
        """Ask the database again about every key and token of a user."""
        with self._lock:
            self._forgotten += 1
            for digest in [d for d, card in self._cards.items() if card.principal.user_id == user_id]:
                del self._cards[digest]

    def _read(self, token: str) -> tuple[str, tokens.Claims | None]:
        token = token.strip()
        if not token:
            raise AuthError("A key is missing. Send it as `Authorization: Bearer sk_...`.", code="no_token")
        if len(token) > TOKEN_LONGEST:
            raise AuthError("This is no key of this service. Check it, or make a new one.", code="bad_token")
        now_ms = self._clock.now_ms()
        claims = tokens.verify(token, self._signing_key, now_ms=now_ms) if tokens.is_signed(token) else None
        return keys.digest(token), claims

    def _remembered(self, digest: str) -> _Card | None:
        with self._lock:
            card = self._cards.get(digest)
            if card is None or not 0 <= self._clock.monotonic_s() - card.read_s < REMEMBERED_S:
                return None
            self._cards.move_to_end(digest)
            return card

    def _look_up(self, digest: str, claims: tokens.Claims | None) -> _Card:
        before = self._forgotten
        card = self._by_key(digest) if claims is None else self._by_claims(claims)
        with self._lock:
            if before == self._forgotten:  # else it may have been revoked while it was being read
                self._cards[digest] = card
                self._cards.move_to_end(digest)
                while len(self._cards) > REMEMBERED_MAX:
                    self._cards.popitem(last=False)
        if card.principal.kind is Credential.KEY:
            self._note_use(card)
        return card

    def _by_key(self, digest: str) -> _Card:
        row = self._row(api_keys.c.digest == digest)
        if row is None:
            raise AuthError("This is no key of this service. Check it, or make a new one.", code="bad_token")
        if row.revoked_ms is not None:
            raise AuthError("This key was revoked. Make a new one.", code="token_revoked")
        principal = Principal(
            user_id=row.user_id,
            role=Role(row.role),
            key_id=row.id,
            scopes=frozenset(row.scopes),
            origins=tuple(row.origins),
        )
        return self._card(principal, row)

    def _by_claims(self, claims: tokens.Claims) -> _Card:
        row = self._row(api_keys.c.id == claims.key_id) if claims.key_id else self._user_row(claims.user_id)
        ended = row is None or row.user_id != claims.user_id or row.epoch != claims.epoch or row.revoked_ms is not None
        if row is None or ended:
            raise AuthError("This token has ended. Log in or make a new one.", code="token_revoked")
        principal = Principal(
            user_id=claims.user_id,
            role=Role(row.role),
            key_id=claims.key_id or LOGIN_KEY_ID,
            scopes=frozenset(claims.scopes),
            origins=claims.origins,
            kind=claims.kind,
        )
        return self._card(principal, row)

    def _row(self, where: sa.ColumnElement[bool]) -> sa.Row[tuple[object, ...]] | None:
        query = sa.select(api_keys, users.c.role, users.c.disabled_ms, users.c.epoch).join(users).where(where)
        with self._database.read() as c:
            return c.execute(query).one_or_none()

    def _user_row(self, user_id: str) -> sa.Row[tuple[object, ...]] | None:
        nothing = sa.null()
        query = sa.select(
            users.c.id.label("user_id"),
            users.c.role,
            users.c.disabled_ms,
            users.c.epoch,
            nothing.label("expires_ms"),
            nothing.label("revoked_ms"),
            nothing.label("used_ms"),
        ).where(users.c.id == user_id)
        with self._database.read() as c:
            return c.execute(query).one_or_none()

    def _card(self, principal: Principal, row: sa.Row[tuple[object, ...]]) -> _Card:
        return _Card(
            principal=principal,
            key_expires_ms=row.expires_ms,
            used_ms=row.used_ms,
            disabled=row.disabled_ms is not None,
            read_s=self._clock.monotonic_s(),
        )

    def _note_use(self, card: _Card) -> None:
        now_ms = self._clock.now_ms()
        if not keys.is_stale(card.used_ms, now_ms):
            return
        try:
            with self._database.write() as c:
                keys.note_use(c, card.principal.key_id, now_ms=now_ms)
        except UnavailableError as problem:
            _log.warning("The use of a key could not be noted: %s", problem)


def _judge(card: _Card, origin: str | None, now_ms: int) -> None:
    if card.disabled:
        raise ForbiddenError("This account is disabled. Ask an admin of this service.", code="user_disabled")
    if card.key_expires_ms is not None and now_ms >= card.key_expires_ms:
        raise AuthError("This key has expired. Make a new one.", code="token_expired")
    if origin and card.principal.origins and not _is_among(origin, card.principal.origins):
        raise ForbiddenError(
            f"This key may not be used from {origin[:100]}. Use one that lists this origin.", code="wrong_origin"
        )


def _is_among(origin: str, allowed: tuple[str, ...]) -> bool:
    try:
        return keys.origin_of(origin) in allowed
    except RequestError:  # such as "null", which a sandboxed page sends
        return False
