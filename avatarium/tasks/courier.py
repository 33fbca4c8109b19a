"""Delivers the notices of tasks' ends.

A notice is a POST of JSON with ``X-A2e-Webhook-Token`` as A2E sends it, and signed as ours::

    X-Avatarium-Signature: t=<seconds>,v1=<hex of HMAC-SHA256(secret, "<seconds>.<body>")>

It is tried again, further and further apart, until the receiver answers with 2xx. It may come twice;
``X-Avatarium-Delivery`` is the same then.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import structlog

from avatarium.clock import SECOND_MS, iso
from avatarium.errors import AvatariumError
from avatarium.secret import derive
from avatarium.tasks import notices, repository
from avatarium.tasks.models import Delivery

if TYPE_CHECKING:
    from avatarium.platform import Platform

THREADS = 8
HOST_MAX = 2
"""Deliveries to one receiver at once: a slow one holds up nobody but itself."""
USER_MAX = 4
"""Deliveries of one user at once, however many receivers they name."""
LOOK_S = 1.0
"""How often it is looked for more while some are under way."""
CLAIM_SLACK_S = 30
DEATHS_MAX = 3
"""Attempts beyond the usual number, where workers died in the middle of them."""
log = structlog.get_logger()


class Courier:
    """Delivers what is due, from any number of workers at once; each asks with one thread."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="courier")
        self._underway: dict[Future[None], Delivery] = {}

    @property
    def claim_ms(self) -> int:
        """How long a notice is ours to deliver; then it is due again."""
        return round((self._platform.settings.webhook_timeout_s + CLAIM_SLACK_S) * SECOND_MS)

    def deliver_due(self) -> int:
        """Try every notice that is due or gets due meanwhile, until none is left, and tell how many attempts that were.

        Raises:
            UnavailableError: the database is away.
        """
        begun = self._begin_due()
        while self._underway:
            done, _ = wait(self._underway, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            for attempt in done:
                self._underway.pop(attempt)
                attempt.result()
            begun += self._begin_due()
        return begun

    def _begin_due(self) -> int:
        """Begin as many deliveries as there is room for."""
        begun = 0
        while len(self._underway) < THREADS and (due := self._due()):
            for delivery in due:
                if self._has_room(delivery):
                    begun += self._begin(delivery)
        return begun

    def _due(self) -> list[Delivery]:
        now_ms = self._platform.clock.now_ms()
        hosts, users = self._counts()
        with self._platform.database.read() as c:
            return notices.due(
                c,
                now_ms=now_ms,
                limit=THREADS,
                but_hosts=[host for host, count in hosts.items() if count >= HOST_MAX],
                but_users=[user for user, count in users.items() if count >= USER_MAX],
            )

    def _has_room(self, delivery: Delivery) -> bool:
        hosts, users = self._counts()
        free = hosts[notices.host_of(delivery.url)] < HOST_MAX and users[delivery.user_id] < USER_MAX
        return free and len(self._underway) < THREADS

    def _counts(self) -> tuple[Counter[str], Counter[str]]:
        """Deliveries under way, by receiver and by user."""
        underway = self._underway.values()
        return Counter(notices.host_of(one.url) for one in underway), Counter(one.user_id for one in underway)

    def _begin(self, delivery: Delivery) -> bool:
        until_ms = self._platform.clock.now_ms() + self.claim_ms
        with self._platform.database.write() as c:
            if not notices.claim(c, delivery, until_ms=until_ms):
                return False
        self._underway[self._pool.submit(self._deliver, delivery, until_ms)] = delivery
        return True

    def _deliver(self, delivery: Delivery, claimed_ms: int) -> None:
        platform = self._platform
        status, error = self._outcome(delivery)
        now_ms = platform.clock.now_ms()
        good = status is not None and 200 <= status < 300
        last = delivery.attempts + 1 >= platform.settings.webhook_attempts
        pause_s = notices.BACK_OFF_S[min(delivery.attempts, len(notices.BACK_OFF_S) - 1)]
        next_ms = None if good or last else now_ms + pause_s * SECOND_MS
        with platform.database.write() as c:
            notices.note_outcome(
                c,
                delivery,
                claimed_ms=claimed_ms,
                status=status,
                error=error,
                next_ms=next_ms,
                delivered_ms=now_ms if good else None,
            )

    def _outcome(self, delivery: Delivery) -> tuple[int | None, str]:
        if delivery.attempts >= self._platform.settings.webhook_attempts + DEATHS_MAX:
            return None, "Each attempt was cut short. It has been given up."
        try:
            return self._post(delivery)
        except AvatariumError as problem:
            return None, problem.message
        except Exception:  # a bug in one notice is an attempt that failed, and not the end of all deliveries
            log.exception("notice_bug", delivery=delivery.id, task=delivery.task_id)
            return None, "The notice could not be written. It has been logged."

    def _post(self, delivery: Delivery) -> tuple[int | None, str]:
        body = self._body(delivery)
        if body is None:
            return 200, "the task has been deleted since"
        status = self._platform.poster.post(delivery.url, body, self._headers(delivery, body))
        return status, "" if 200 <= status < 300 else f"The receiver answered with {status}."

    def _body(self, delivery: Delivery) -> bytes | None:
        platform = self._platform
        with platform.database.read() as c:
            task = repository.find(c, delivery.task_id, owner=delivery.user_id)
        if task is None or task.family not in platform.families:
            return None
        record = platform.families[task.family].record(task, platform.links(platform.settings.base_url))
        notice = {"event": delivery.event, "type": task.family, "_id": task.id, "data": record}
        return json.dumps(notice | {"createdAt": iso(delivery.created_ms)}).encode()

    def _headers(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        seconds = str(self._platform.clock.now_ms() // SECOND_MS)
        key = webhook_secret(self._platform.secret, delivery.user_id).encode()
        digest = hmac.new(key, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Avatarium-Signature": f"t={seconds},v1={digest}",
            "X-Avatarium-Delivery": delivery.id,
            "X-Avatarium-Event": delivery.event,
        }
        return headers | ({"X-A2e-Webhook-Token": delivery.token} if delivery.token else {})


def webhook_secret(secret: bytes, user_id: str) -> str:
    """The key with which a user's notices are signed."""
    return "whsec_" + derive(secret, f"webhook:{user_id}").hex()
