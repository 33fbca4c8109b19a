"""Posts notices to addresses that users gave: public ones only, no redirects, within a moment."""

from __future__ import annotations

import requests
import urllib3
from AntiSSRF import AntiSSRFError

from avatarium.errors import RequestError
from avatarium.settings import Settings
from avatarium.storage.fetch import checked_request
from avatarium.storage.guard import Deadline, guarded_session, is_allowed, refuse_private

ANSWER_BYTES = 1 << 16
"""More of an answer is not read."""


class Poster:
    """Sends JSON to strangers. Threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._timeout_s = settings.webhook_timeout_s
        self._allowed = {entry.strip().lower() for entry in settings.fetch_allow}

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """Send a body and answer with the receiver's HTTP status.

        Raises:
            RequestError: ``bad_url``, ``url_private``, ``url_unreachable``.
        """
        # The same look at the address that fetching has; what goes out is a POST.
        request = checked_request(url)
        request.prepare_method("POST")
        request.prepare_body(body, None)
        request.headers.update(headers)
        deadline = Deadline(self._timeout_s)
        try:
            with (
                guarded_session(deadline, allowed=is_allowed(str(request.url), self._allowed)) as session,
                session.send(request, stream=True, allow_redirects=False, timeout=self._timeout_s) as answer,
            ):
                answer.raw.read(ANSWER_BYTES, decode_content=False)
                return answer.status_code
        except AntiSSRFError as problem:
            raise refuse_private() from problem
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
            raise RequestError(
                f"The receiver did not answer within {self._timeout_s:g} s, or cannot be reached.",
                code="url_unreachable",
            ) from problem
        finally:
            deadline.close()
