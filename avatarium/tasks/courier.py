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
from typing import TYPE_CHECKING

import structlog

from avatarium.clock import SECOND_MS, iso
from avatarium.errors import AvatariumError
from avatarium.secret import derive
from avatarium.tasks import notices, repository
from avatarium.tasks.models import Delivery

if TYPE_CHECKING:
    from avatarium.platform import Platform

BATCH = 20
CLAIM_S = 60
BACK_OFF_S = (1, 5, 30, 120, 600, 1800, 7200)
"""Pauses between attempts; the last one again and again."""
log = structlog.get_logger()


class Courier:
    """Delivers what is due, from any number of workers at once."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def deliver_due(self) -> int:
        """Try every notice that is due once, and tell how many that were."""
        now_ms = self._platform.clock.now_ms()
        with self._platform.database.read() as c:
            due = notices.due(c, now_ms=now_ms, limit=BATCH)
        return sum(self._deliver(delivery) for delivery in due)

    def _deliver(self, delivery: Delivery) -> bool:
        platform = self._platform
        until_ms = platform.clock.now_ms() + CLAIM_S * SECOND_MS
        with platform.database.write() as c:
            if not notices.claim(c, delivery, until_ms=until_ms):
                return False
        status, error = self._post(delivery)
        now_ms = platform.clock.now_ms()
        good = status is not None and 200 <= status < 300
        last = delivery.attempts + 1 >= platform.settings.webhook_attempts
        pause_s = BACK_OFF_S[min(delivery.attempts, len(BACK_OFF_S) - 1)]
        next_ms = None if good or last else now_ms + pause_s * SECOND_MS
        with platform.database.write() as c:
            delivered_ms = now_ms if good else None
            notices.note_outcome(c, delivery, status=status, error=error, next_ms=next_ms, delivered_ms=delivered_ms)
        return True

    def _post(self, delivery: Delivery) -> tuple[int | None, str]:
        body = self._body(delivery)
        if body is None:
            return 200, "the task has been deleted since"
        try:
            status = self._platform.poster.post(delivery.url, body, self._headers(delivery, body))
        except AvatariumError as problem:
            return None, problem.message
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
