"""Accounts: users, their keys, and who is at the door."""

from __future__ import annotations

from collections.abc import Iterable

from avatarium.accounts import keys, passwords, tokens, users
from avatarium.accounts.door import Door
from avatarium.accounts.limits import RateLimiter
from avatarium.accounts.models import ApiKey, Credential, Principal, Role, Scope, User, user_of
from avatarium.clock import HOUR_MS, Clock
from avatarium.database import Database
from avatarium.errors import AuthError, ConflictError, ForbiddenError, RequestError
from avatarium.secret import derive, load_secret
from avatarium.settings import Settings

CLIENT_TOKEN_LONGEST_S = 24 * 3600
NOT_IN_BROWSERS = frozenset({Scope.ACCOUNT, Scope.ADMIN})
"""A token that leaks from a page must not be able to make keys that outlive it."""
LOGINS_PER_NAME_AND_ADDRESS = "10/5 minutes"
LOGINS_PER_NAME = "60/hour"
LOGINS_PER_ADDRESS = "60/hour"


class Accounts:
    """Users, keys and tokens of one installation. Threads may share it.

    Raises:
        OptionError, OutputError: the secret cannot be used or kept.
    """

    def __init__(
        self, database: Database, clock: Clock, settings: Settings, *, limiter: RateLimiter | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._limiter = limiter or RateLimiter(settings)
        self._signing_key = derive(load_secret(settings), "accounts.tokens")
        self._door = Door(database, clock, self._signing_key)

    # Users

    def add_user(
        self, name: str, *, role: Role = Role.USER, password: str | None = None, coins: int | None = None
    ) -> User:
        """Add a user; ``coins`` to start with are those of the settings unless given.

        Raises:
            ConflictError: the name is taken, in whatever case.
            RequestError: the name or the password cannot be used.
        """
        user = self._insert(name, role, password, self._settings.user_coins if coins is None else coins)
        if user is None:
            raise ConflictError(
                f"There is a user called {name.strip()!r} already. Choose another name.", code="user_exists"
            )
        return user

    def ensure_admin(self) -> tuple[User, bool]:
        """The first admin, and whether it was made by this call; processes that start together make one."""
        made = self._insert(self._settings.admin_name, Role.ADMIN, None, self._settings.admin_coins)
        return (made, True) if made else (self.find_user(self._settings.admin_name), False)

    def user(self, user_id: str) -> User:
        """A user by id, or NotFoundError."""
        with self._database.read() as c:
            return users.get(c, user_id)

    def find_user(self, name: str) -> User:
        """A user by name, in whatever case, or NotFoundError."""
        with self._database.read() as c:
            return users.find(c, name)

    def list_users(self, *, offset: int = 0, limit: int | None = None) -> tuple[list[User], int]:
        """Users, oldest first, and how many there are."""
        with self._database.read() as c:
            return users.page(c, offset=offset, limit=limit)

    def set_password(self, user_id: str, password: str | None) -> None:
        """Change a password, or take it away; log-ins and client tokens made before end, keys go on."""
        kept = None if password is None else passwords.hash_password(password)
        with self._database.write() as c:
            users.set_password(c, user_id, kept)
        self._door.forget_user(user_id)

    def set_auto_public_pool(self, user_id: str, public: bool) -> User:
        """Whether what a user makes may be shown to everybody."""
        with self._database.write() as c:
            users.set_public(c, user_id, public)
            return users.get(c, user_id)

    def disable_user(self, user_id: str) -> None:
        """Shut a user out, with every key and token.

        Raises:
            ConflictError: it is the only admin.
        """
        with self._database.write() as c:
            users.disable(c, user_id, now_ms=self._clock.now_ms())
        self._door.forget_user(user_id)

    def enable_user(self, user_id: str) -> None:
        """Let a user in again; keys open again, log-ins do not."""
        with self._database.write() as c:
            users.enable(c, user_id)
        self._door.forget_user(user_id)

    # Log-in

    def log_in(self, name: str, password: str, *, address: str) -> tuple[User, str]:
        """Check a password and make a token for some hours. Attempts are limited by name and by address.

        Raises:
            AuthError: name and password do not belong together; it does not say which is wrong.
            BusyError: there were too many attempts.
        """
        self._throttle(name, address)
        with self._database.read() as c:
            row = users.row_by_name(c, name)
        kept = None if row is None else row._mapping["password"]
        if not passwords.is_password(password, kept) or row is None:
            raise AuthError("The name or the password is wrong. Check both.", code="bad_login")
        user = user_of(row)
        if user.disabled_ms is not None:
            raise ForbiddenError("This account is disabled. Ask an admin of this service.", code="user_disabled")
        now_ms = self._clock.now_ms()
        claims = tokens.Claims(
            kind=Credential.LOGIN,
            user_id=user.id,
            epoch=row._mapping["epoch"],
            key_id="",
            issued_ms=now_ms,
            expires_ms=now_ms + round(self._settings.login_hours * HOUR_MS),
        )
        return user, tokens.sign(claims, self._signing_key)

    # Keys

    def create_key(
        self,
        user_id: str,
        *,
        alias: str = "",
        scopes: Iterable[str] = (),
        expires_ms: int | None = None,
        origins: Iterable[str] = (),
    ) -> tuple[ApiKey, str]:
        """A new key and its text, which cannot be had again. No scopes: all that the user may do; no origins: any page.

        Raises:
            NotFoundError: there is no such user.
            RequestError: a scope, label, origin or expiry cannot be used.
        """
        now_ms = self._clock.now_ms()
        if expires_ms is not None and expires_ms <= now_ms:
            raise RequestError("The key would have expired already. Give a later time.", code="bad_expiry")
        text = keys.new_text()
        wanted = keys.Wanted(
            alias=keys.checked_alias(alias),
            scopes=keys.checked_scopes(scopes),
            origins=keys.checked_origins(origins),
            expires_ms=expires_ms,
        )
        with self._database.write() as c:
            users.get(c, user_id)
            key = keys.insert(c, user_id, text, wanted, now_ms=now_ms)
        return key, text

    def create_key_as(
        self,
        principal: Principal,
        *,
        alias: str = "",
        scopes: Iterable[str] = (),
        expires_ms: int | None = None,
        origins: Iterable[str] = (),
    ) -> tuple[ApiKey, str]:
        """A new key on behalf of a caller: it may do no more, nowhere else and no longer than what the caller holds.

        What is not asked for is as the caller has it.

        Raises:
            ForbiddenError: more is asked for than the caller has, or the caller came with a client token.
            RequestError: as :meth:`create_key`.
        """
        if principal.kind is Credential.CLIENT:
            raise ForbiddenError("A client token cannot make keys. Use an API key.", code="key_needed")
        asked = keys.checked_scopes(scopes)
        for scope in sorted(asked):
            principal.require(scope)
        pages = keys.checked_origins(origins) or principal.origins
        if principal.origins and not set(pages) <= set(principal.origins):
            raise ForbiddenError("This key may not be used from all of these origins itself.", code="wrong_origin")
        ends_ms = self._door.end_of(principal)
        if ends_ms is not None:
            expires_ms = ends_ms if expires_ms is None else min(expires_ms, ends_ms)
        asked = asked or principal.scopes
        return self.create_key(principal.user_id, alias=alias, scopes=asked, expires_ms=expires_ms, origins=pages)

    def list_keys(self, user_id: str) -> list[ApiKey]:
        """The keys of a user that are not revoked, newest first; expired ones are among them."""
        with self._database.read() as c:
            return keys.of_user(c, user_id)

    def revoke_key(self, user_id: str, key_id: str) -> None:
        """End a key and the client tokens made with it: at once here, within seconds in other processes.

        Raises:
            NotFoundError: the user has no such key.
        """
        with self._database.write() as c:
            keys.revoke(c, user_id, key_id, now_ms=self._clock.now_ms())
        self._door.forget_user(user_id)

    def create_client_token(self, principal: Principal, *, seconds: float, scopes: Iterable[str]) -> str:
        """A short-lived token for a browser: it covers no more than the key it is made with, and dies with it.

        Raises:
            RequestError: no scope, an unknown one, or too long a life.
            ForbiddenError: the key does not cover a scope, or is a client token itself.
        """
        asked = keys.checked_scopes(scopes)
        if not asked or asked & NOT_IN_BROWSERS:
            raise RequestError(
                "Name the scopes that the token is for; account and admin cannot be among them.", code="bad_scopes"
            )
        if not 1 <= seconds <= CLIENT_TOKEN_LONGEST_S:
            raise RequestError(f"A client token lives 1 to {CLIENT_TOKEN_LONGEST_S} seconds.", code="bad_expiry")
        if principal.kind is Credential.CLIENT:
            raise ForbiddenError("A client token cannot make another one. Use an API key.", code="key_needed")
        for scope in sorted(asked):
            principal.require(scope)
        return self._door.client_token(principal, seconds=seconds, scopes=tuple(sorted(asked)))

    # The door

    def authenticate(self, token: str, *, origin: str | None = None) -> Principal:
        """Who comes with a key or token. ``origin`` is what a browser says the calling page is; others send none.

        What the database says is remembered for a few seconds.

        Raises:
            AuthError: it is unknown, revoked or expired.
            ForbiddenError: the user is disabled, or the page may not use the key.
        """
        return self._door.authenticate(token, origin=origin)

    def recall(self, token: str, *, origin: str | None = None) -> Principal | None:
        """The same as :meth:`authenticate` where it need not ask the database, so that an event loop may call it; else
        None."""
        return self._door.recall(token, origin=origin)

    # Inside

    def _insert(self, name: str, role: Role, password: str | None, coins: int) -> User | None:
        name = users.checked_name(name)
        kept = None if password is None else passwords.hash_password(password)
        with self._database.write() as c:
            return users.insert(c, name, role=role, password=kept, coins=coins, now_ms=self._clock.now_ms())

    def _throttle(self, name: str, address: str) -> None:
        who = keys.digest(users.name_key(name.strip()))
        for bucket, limit in (
            (f"login:{who}:{address}", LOGINS_PER_NAME_AND_ADDRESS),
            (f"login-name:{who}", LOGINS_PER_NAME),
            (f"login-address:{address}", LOGINS_PER_ADDRESS),
        ):
            message = "Too many attempts to log in. Try again in {wait} s."
            self._limiter.take(bucket, limit, message=message, code="too_many_logins")
