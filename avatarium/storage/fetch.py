"""Files behind addresses that users give: fetched once, from public addresses, bounded, and told by their bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from AntiSSRF import AntiSSRFError

from avatarium import __version__
from avatarium.errors import RequestError, TooLargeError
from avatarium.settings import Settings
from avatarium.storage.blobs import BLOCK_BYTES, full_disk_is_unavailable
from avatarium.storage.guard import Deadline, guarded_session, is_allowed, refuse_private
from avatarium.storage.service import Storage
from avatarium.storage.sniff import HEAD_BYTES, Kind, Sniffed, advice, described, sniff

URL_MAX = 4096
CONNECT_TIMEOUT_S, SILENCE_TIMEOUT_S = 10.0, 20.0
_HEADERS = {"User-Agent": f"Avatarium/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
Progress = Callable[[int, int | None], None]
"""Told the bytes that came so far and how many there will be, where that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A media file on this machine."""

    path: Path
    kind: Kind
    """PICTURE, SOUND or VIDEO."""
    media_type: str
    format: str
    """FFmpeg's name of its container, for ``av.open(format=)``; of a picture its kind."""
    suffix: str
    """With its dot, for a name that tells the type."""
    size_bytes: int


class Fetcher:
    """Fetches what users' addresses lead to. Threads may share it."""

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._settings = settings
        self._storage = storage
        self._allowed = {entry.strip().lower() for entry in settings.fetch_allow}

    def fetch(
        self,
        url: str,
        into: Path,
        *,
        kind: Kind,
        owner: str,
        max_bytes: int | None = None,
        timeout_s: float | None = None,
        on_progress: Progress | None = None,
    ) -> Fetched:
        """Bring the file behind an address to ``into``, which is not there afterwards if anything is wrong.

        An address of ours is read from the storage, if its signature is good or the file is the caller's. Any other
        must lead to a public address without a redirect.

        Args:
            url: what the user gave.
            into: the file to write; its folder exists.
            kind: what is needed.
            owner: the user who gave it.
            max_bytes: the limit, where it is lower than that of the settings.
            timeout_s: the limit for all of it, where it is lower than that of the settings.
            on_progress: called after each block; what it raises stops the fetching.

        Raises:
            RequestError: ``bad_url``, ``url_private``, ``url_redirect``, ``url_unreachable``, ``url_status``,
                ``url_timeout``, ``url_truncated``, ``url_encoding``, ``url_empty``, ``wrong_kind``.
            TooLargeError: ``url_too_large``.
            ForbiddenError: ``url_expired`` of an address of ours.
            NotFoundError: ``file_gone`` of an address of ours.
            UnavailableError: ``storage_full``, ``storage_away``.
        """
        limit = min(max_bytes or self._settings.fetch_max_bytes, self._settings.fetch_max_bytes)
        within_s = min(timeout_s or self._settings.fetch_timeout_s, self._settings.fetch_timeout_s)
        text = url.strip()
        with _removed_on_trouble(into):
            ours = self._storage.readable(text, owner)
            if ours is not None:
                _refuse_large(ours.size_bytes, limit)
                self._storage.copy_to(ours.key, into)
            else:
                _Download(self._allowed, limit, within_s, on_progress).run(text, into)
            return judged(into, kind)


def judged(path: Path, kind: Kind) -> Fetched:
    """Tell what a file is.

    Raises:
        RequestError: ``url_empty``, or ``wrong_kind`` where it is not what is needed.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise RequestError("The URL gave an empty file. Check that the upload to it is complete.", code="url_empty")
    found = sniff(head)
    if found is None or not kind.takes(found.kind):
        raise RequestError(f"The URL gave {described(head)}, not {kind.value}. {advice(kind)}", code="wrong_kind")
    return _fetched(path, found)


def _fetched(path: Path, found: Sniffed) -> Fetched:
    return Fetched(
        path=path,
        kind=found.kind,
        media_type=found.media_type,
        format=found.format,
        suffix=found.suffix,
        size_bytes=path.stat().st_size,
    )


class _Download:
    """One request to a stranger."""

    def __init__(self, allowed: set[str], limit: int, timeout_s: float, on_progress: Progress | None) -> None:
        self._allowed = allowed
        self._limit = limit
        self._report = on_progress
        self._timeout_s = timeout_s

    def run(self, url: str, into: Path) -> None:
        request = checked_request(url)
        deadline = Deadline(self._timeout_s)
        try:
            with (
                self._sentences(deadline),
                guarded_session(deadline, allowed=is_allowed(str(request.url), self._allowed)) as session,
                session.send(
                    request, stream=True, allow_redirects=False, timeout=(CONNECT_TIMEOUT_S, SILENCE_TIMEOUT_S)
                ) as response,
            ):
                self._check_head(response)
                self._save(response, into, deadline)
        finally:
            deadline.close()

    def _check_head(self, response: requests.Response) -> None:
        status = response.status_code
        if 300 <= status < 400:
            raise RequestError(
                "The URL redirects to another, and redirects are not followed. Give the final address.",
                code="url_redirect",
            )
        if status != HTTPStatus.OK:
            raise RequestError(
                f"The URL answered with {_status_words(status)}. Check that everybody can open it.", code="url_status"
            )
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise RequestError(
                "The URL gave a compressed answer (Content-Encoding) that was not asked for. Serve the file as it is.",
                code="url_encoding",
            )
        announced = _announced(response)
        if announced is not None:
            _refuse_large(announced, self._limit)

    def _save(self, response: requests.Response, into: Path, deadline: Deadline) -> None:
        announced = _announced(response)
        received = 0
        with full_disk_is_unavailable(), into.open("wb") as file:
            while block := response.raw.read1(BLOCK_BYTES, decode_content=False):
                received += len(block)
                _refuse_large(received, self._limit)
                file.write(block)
                if self._report is not None:
                    self._report(received, announced)
                if deadline.passed:
                    raise _too_slow(self._timeout_s)
        if deadline.passed:
            raise _too_slow(self._timeout_s)
        if announced is not None and received < announced:
            raise _truncated()

    @contextmanager
    def _sentences(self, deadline: Deadline) -> Iterator[None]:
        """Turn every way in which a stranger's server fails into one sentence."""
        try:
            yield
        except AntiSSRFError as problem:
            raise refuse_private() from problem
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as problem:
            raise self._in_words(problem, deadline) from problem

    def _in_words(self, problem: Exception, deadline: Deadline) -> RequestError:
        if deadline.passed or isinstance(problem, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError):
            return _too_slow(self._timeout_s)
        if isinstance(problem, requests.ConnectTimeout):
            return RequestError("The URL's server does not answer. Check the address.", code="url_timeout")
        if isinstance(problem, urllib3.exceptions.IncompleteRead | urllib3.exceptions.ProtocolError):
            return _truncated()
        if isinstance(problem, requests.exceptions.SSLError):
            return RequestError(
                "The URL's server has no certificate that can be trusted. Use an address with a valid one.",
                code="url_unreachable",
            )
        return RequestError(
            "The URL cannot be reached: no server of that name answers. Check the address.", code="url_unreachable"
        )


def checked_request(url: str) -> requests.PreparedRequest:
    """The request for an address, as the client will send it.

    Raises:
        RequestError: ``bad_url``.
    """
    if url[:5].lower() == "data:":
        raise _bad_url("A data: URL is not taken. Upload the file and give its address.")
    if len(url) > URL_MAX:
        raise _bad_url(f"The URL is longer than {URL_MAX} characters.")
    if not url.lower().startswith(("http://", "https://")):
        raise _bad_url("The URL must begin with http:// or https://.")
    if "\\" in url or any(character.isspace() or not character.isprintable() for character in url):
        raise _bad_url("The URL holds a space, a backslash or an invisible character. Write a space as %20.")
    try:
        prepared = requests.Request("GET", url, headers=_HEADERS).prepare()
        parts = urlsplit(str(prepared.url))
        named = bool(parts.hostname) and parts.port != 0
    except (ValueError, requests.RequestException) as problem:
        raise _bad_url("The URL cannot be understood. Check it.") from problem
    if "@" in parts.netloc or "@" in urlsplit(url).netloc:
        raise _bad_url("The URL holds a name or password. Use one that opens without.")
    if not named:
        raise _bad_url("The URL names no server. Check it.")
    return prepared


def _bad_url(sentence: str) -> RequestError:
    return RequestError(sentence, code="bad_url")


def _announced(response: requests.Response) -> int | None:
    text = response.headers.get("Content-Length", "").strip()
    chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
    return int(text) if not chunked and text.isascii() and text.isdigit() and len(text) < 20 else None


def _refuse_large(size_bytes: int, limit: int) -> None:
    if size_bytes > limit:
        raise TooLargeError(
            f"The file behind the URL is larger than the {limit / 2**20:.4g} MB that are taken. Make it smaller.",
            code="url_too_large",
        )


def _truncated() -> RequestError:
    return RequestError(
        "The URL's server broke off before the file was complete. Try again, or use another.", code="url_truncated"
    )


def _too_slow(seconds: float) -> RequestError:
    return RequestError(
        f"The URL's server is too slow: the file did not arrive within {seconds:g} seconds, or nothing came for "
        f"{SILENCE_TIMEOUT_S:g}. Use another.",
        code="url_timeout",
    )


def _status_words(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


@contextmanager
def _removed_on_trouble(path: Path) -> Iterator[None]:
    finished = False
    try:
        yield
        finished = True
    finally:
        if not finished:
            with suppress(FileNotFoundError):
                path.unlink()
