"""Notices of tasks' ends, delivered to a real receiver."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from avatarium.accounts.models import Principal
from avatarium.database import Database
from avatarium.errors import ConflictError, NotFoundError
from avatarium.tasks import notices
from avatarium.tasks.courier import BACK_OFF_S, CLAIM_S, Courier, webhook_secret
from avatarium.tasks.models import Delivery
from avatarium.tasks.states import State
from tests.support.office import Office


@dataclass
class Receiver:
    """Somebody's web server: answers with the statuses it is given, then with 200."""

    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append((dict(self.headers.items()), body))
            status = made.statuses.pop(0) if made.statuses else 200
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", made.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


@pytest.fixture
def office(database: Database, tmp_path: Path, receiver: Receiver) -> Office:
    host = receiver.url.removeprefix("http://").removesuffix("/hook")
    return Office(database, tmp_path, fetch_allow=[host], webhook_attempts=3)


def end_one(office: Office, user: Principal, url: str, state: State = State.COMPLETED) -> str:
    task = office.submit(user, webhook_url=url, webhook_token="sesame", coins=1)
    office.tasks.finish(task, state, failed_code="" if state is State.COMPLETED else "nobody")
    return task.id


def only(office: Office, user: Principal) -> Delivery:
    with office.database.read() as c:
        (found,), total = notices.page(c, owner=user.user_id, offset=0, limit=10)
    assert total == 1
    return found


@pytest.mark.parametrize(
    ("state", "event", "word"),
    [(State.COMPLETED, "task.completed", "completed"), (State.FAILED, "task.failed", "failed")],
)
def test_a_notice_tells_of_the_end_and_is_signed(
    office: Office, receiver: Receiver, state: State, event: str, word: str
) -> None:
    ann = office.user()
    task_id = end_one(office, ann, receiver.url, state)
    assert Courier(office.platform).deliver_due() == 1
    ((headers, body),) = receiver.got
    notice = json.loads(body)
    assert (notice["event"], notice["type"], notice["_id"]) == (event, "demo", task_id)
    assert notice["data"]["current_status"] == word
    assert headers["X-A2e-Webhook-Token"] == "sesame"
    assert headers["Content-Type"] == "application/json"
    seconds, signature = (part.split("=")[1] for part in headers["X-Avatarium-Signature"].split(","))
    key = webhook_secret(office.platform.secret, ann.user_id).encode()
    assert signature == hmac.new(key, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    assert only(office, ann).delivered_ms == office.clock.now_ms()
    assert Courier(office.platform).deliver_due() == 0, "delivered is delivered"


def test_a_receiver_in_trouble_is_tried_again_later_and_later(office: Office, receiver: Receiver) -> None:
    ann = office.user()
    end_one(office, ann, receiver.url)
    receiver.statuses = [500, 503]
    courier = Courier(office.platform)
    for number, pause_s in enumerate(BACK_OFF_S[:2], 1):
        assert courier.deliver_due() == 1
        assert courier.deliver_due() == 0
        found = only(office, ann)
        assert (found.attempts, found.delivered_ms) == (number, None)
        assert found.next_ms == office.clock.now_ms() + pause_s * 1000
        office.clock.advance(pause_s)
    assert courier.deliver_due() == 1
    assert only(office, ann).status == 200
    ids = {headers["X-Avatarium-Delivery"] for headers, _ in receiver.got}
    assert len(receiver.got) == 3 and len(ids) == 1


def test_a_receiver_that_never_answers_well_is_given_up(office: Office, receiver: Receiver) -> None:
    ann = office.user()
    end_one(office, ann, receiver.url)
    receiver.statuses = [500] * 9
    for _ in range(9):
        Courier(office.platform).deliver_due()
        office.clock.advance(86400)
    assert len(receiver.got) == 3
    found = only(office, ann)
    assert (found.next_ms, found.status, found.delivered_ms) == (None, 500, None)
    assert "500" in found.error


def test_a_redirect_is_no_delivery_and_is_not_followed(office: Office, receiver: Receiver) -> None:
    ann = office.user()
    end_one(office, ann, receiver.url)
    receiver.statuses = [302]
    Courier(office.platform).deliver_due()
    assert len(receiver.got) == 1
    assert only(office, ann).delivered_ms is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "http://169.254.169.254/latest", "http://[::1]/", "ftp://example.com/", "nonsense"]
)
def test_notices_reach_no_private_address(office: Office, receiver: Receiver, url: str) -> None:
    ann = office.user()
    end_one(office, ann, url)
    Courier(office.platform).deliver_due()
    found = only(office, ann)
    assert found.status is None and found.delivered_ms is None and found.error


def test_two_couriers_deliver_once(office: Office, receiver: Receiver) -> None:
    ann = office.user()
    for _ in range(5):
        end_one(office, ann, receiver.url)
    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(lambda _: Courier(office.platform).deliver_due(), range(4)))
    assert sent == len(receiver.got) == 5


def test_a_courier_that_dies_amid_a_delivery_is_replaced(office: Office, receiver: Receiver) -> None:
    ann = office.user()
    end_one(office, ann, receiver.url)
    now_ms = office.clock.now_ms()
    with office.database.write() as c:
        (found,) = notices.due(c, now_ms=now_ms, limit=1)
        assert notices.claim(c, found, until_ms=now_ms + CLAIM_S * 1000)
    assert Courier(office.platform).deliver_due() == 0
    office.clock.advance(CLAIM_S)
    assert Courier(office.platform).deliver_due() == 1


def test_a_notice_is_replayed_for_its_owner_only(office: Office, receiver: Receiver) -> None:
    ann, bob = office.user("ann"), office.user("bob")
    end_one(office, ann, receiver.url)
    delivery = only(office, ann)
    now_ms = office.clock.now_ms()
    with office.database.write() as c, pytest.raises(ConflictError):
        notices.replay(c, delivery.id, owner=ann.user_id, now_ms=now_ms)
    Courier(office.platform).deliver_due()
    with office.database.write() as c, pytest.raises(NotFoundError):
        notices.replay(c, delivery.id, owner=bob.user_id, now_ms=now_ms)
    with office.database.write() as c:
        notices.replay(c, delivery.id, owner=ann.user_id, now_ms=now_ms)
    assert Courier(office.platform).deliver_due() == 1
    assert len(receiver.got) == 2
