"""Notices of tasks' ends, delivered to a real receiver."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from avatarium.accounts.models import Principal
from avatarium.database import Database
from avatarium.errors import ConflictError, NotFoundError
from avatarium.tasks import notices
from avatarium.tasks.courier import DEATHS_MAX, HOST_MAX, THREADS, USER_MAX, Courier, webhook_secret
from avatarium.tasks.models import Delivery
from avatarium.tasks.states import State
from tests.support.office import Office


@dataclass
class Receiver:
    """Somebody's web server: answers with the statuses it is given, then with 200."""

    statuses: list[int] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as made:
        yield made


@pytest.fixture
def slow() -> Iterator[Receiver]:
    with listening() as made:
        yield made


@contextmanager
def listening() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append((dict(self.headers.items()), body))
            made.before_answer()
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
def office(database: Database, tmp_path: Path, receiver: Receiver, slow: Receiver) -> Office:
    hosts = [one.url.removeprefix("http://").removesuffix("/hook") for one in (receiver, slow)]
    return Office(database, tmp_path, fetch_allow=hosts, webhook_attempts=3)


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
    for number, pause_s in enumerate(notices.BACK_OFF_S[:2], 1):
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
        assert notices.claim(c, found, until_ms=now_ms + Courier(office.platform).claim_ms)
    assert Courier(office.platform).deliver_due() == 0
    office.clock.advance(Courier(office.platform).claim_ms / 1000)
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


@dataclass
class Crowd:
    """How many are answered at once, and whether they were let go in time."""

    free: threading.Event = field(default_factory=threading.Event)
    in_time: bool = True
    now: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.in_time &= self.free.wait(timeout=8)
        with self.lock:
            self.now -= 1


def test_a_slow_receiver_held_up_everybodys_notices(office: Office, receiver: Receiver, slow: Receiver) -> None:
    ann, bob = office.user("ann"), office.user("bob", coins=1000)
    for number in range(3 * THREADS):
        end_one(office, bob, f"{slow.url}/{number}")
    office.clock.advance(1)
    end_one(office, ann, receiver.url)
    slow.before_answer = crowd = Crowd()
    receiver.before_answer = crowd.free.set
    assert Courier(office.platform).deliver_due() == 3 * THREADS + 1
    assert crowd.in_time, "the one came only when the others were done"
    assert crowd.most <= HOST_MAX and len(slow.got) == 3 * THREADS
    assert only(office, ann).status == 200


def test_what_comes_in_while_a_slow_receiver_is_waited_for_goes_out(
    office: Office, receiver: Receiver, slow: Receiver
) -> None:
    ann, bob = office.user("ann"), office.user("bob")
    end_one(office, bob, slow.url)
    crowd = Crowd()
    receiver.before_answer = crowd.free.set

    def wait_for_another() -> None:
        end_one(office, ann, receiver.url)
        crowd()

    slow.before_answer = wait_for_another
    assert Courier(office.platform).deliver_due() == 2
    assert crowd.in_time


def test_one_user_with_many_slow_receivers_does_not_take_all_room(database: Database, tmp_path: Path) -> None:
    crowd = Crowd()
    with ExitStack() as opened:
        quick, *many = [opened.enter_context(listening()) for _ in range(1 + THREADS)]
        hosts = [one.url.removeprefix("http://").removesuffix("/hook") for one in (quick, *many)]
        office = Office(database, tmp_path, fetch_allow=hosts)
        ann, bob = office.user("ann"), office.user("bob")
        for one in many:
            one.before_answer = crowd
            end_one(office, bob, one.url)
        office.clock.advance(1)
        end_one(office, ann, quick.url)
        quick.before_answer = crowd.free.set
        assert Courier(office.platform).deliver_due() == 1 + THREADS
    assert crowd.in_time and crowd.most <= USER_MAX


def test_a_notice_that_raised_came_due_every_minute_without_end(
    office: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = office.user()
    end_one(office, ann, receiver.url)
    monkeypatch.setattr(type(office.platform.families["demo"]), "record", lambda *_: dict[str, str]()["nothing"])
    courier = Courier(office.platform)
    for _ in range(9):
        courier.deliver_due()
        office.clock.advance(86400)
    found = only(office, ann)
    assert (found.attempts, found.next_ms, found.status) == (3, None, None)
    assert "logged" in found.error and not receiver.got


def test_a_notice_that_takes_every_courier_down_is_given_up(office: Office, receiver: Receiver) -> None:
    ann = office.user()
    end_one(office, ann, receiver.url)
    for _ in range(3 + DEATHS_MAX):
        now_ms = office.clock.now_ms()
        with office.database.write() as c:
            (found,) = notices.due(c, now_ms=now_ms, limit=1)
            assert notices.claim(c, found, until_ms=now_ms + 1000)
        office.clock.advance(1)
    Courier(office.platform).deliver_due()
    assert only(office, ann).next_ms is None and not receiver.got


def test_a_claim_lasts_longer_than_a_receiver_may_take(database: Database, tmp_path: Path) -> None:
    """With a long time-out the notice was due again, and sent again, while it was being delivered."""
    office = Office(database, tmp_path, webhook_timeout_s=300)
    assert Courier(office.platform).claim_ms > 300_000


def test_an_outcome_that_comes_too_late_changes_nothing(office: Office, receiver: Receiver) -> None:
    ann = office.user()
    end_one(office, ann, receiver.url)
    with office.database.write() as c:
        (found,) = notices.due(c, now_ms=office.clock.now_ms(), limit=1)
    assert Courier(office.platform).deliver_due() == 1
    with office.database.write() as c:
        claimed_ms = office.clock.now_ms() + 1000
        notices.note_outcome(c, found, claimed_ms=claimed_ms, status=500, error="late", next_ms=1, delivered_ms=None)
    assert only(office, ann).status == 200


def test_notices_of_a_clock_that_ran_ahead_waited_for_years(office: Office, receiver: Receiver) -> None:
    ann = office.user()
    office.clock.advance(10 * 365 * 86400)
    end_one(office, ann, receiver.url)
    office.clock.advance(-10 * 365 * 86400)
    assert Courier(office.platform).deliver_due() == 1
    assert only(office, ann).status == 200


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://a.example/x?y", "https://a.example"),
        ("https://a.example:8443", "https://a.example:8443"),
        ("http://a.example?x=http://b.example/", "http://a.example"),
        ("nonsense", "nonsense"),
        ("", ""),
    ],
)
def test_receivers_are_told_apart_by_what_stands_before_the_path(url: str, host: str) -> None:
    assert notices.host_of(url) == host


@pytest.mark.parametrize(
    "url", ["https://a.example", "https://a.example/x", "https://a.example?x", "https://a.example#"]
)
def test_a_busy_receiver_is_passed_over_and_no_other(office: Office, url: str) -> None:
    ann = office.user()
    near = ["https://a.example.org/", "https://a.example:8443/", "http://a.example/", "https://b.example/"]
    for one in [url, *near]:
        end_one(office, ann, one)
    with office.database.read() as c:
        found = notices.due(c, now_ms=office.clock.now_ms(), limit=9, but_hosts=[notices.host_of(url)])
        assert sorted(one.url for one in found) == sorted(near)
        assert notices.due(c, now_ms=office.clock.now_ms(), limit=9, but_users=[ann.user_id]) == []
