"""What a hostile user tries, on both databases. Each test that found a defect says which."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avatarium.accounts import ledger
from avatarium.accounts.reconcile import reconcile
from avatarium.api.routes.tasks import STREAMS_MAX
from avatarium.tasks import notices, repository
from avatarium.tasks.courier import Courier
from avatarium.tasks.models import deliveries
from avatarium.tasks.service import Tasks
from avatarium.tasks.states import State
from tests.running import Running, running
from tests.unit.storage import samples

FACE = "https://files.example/face.jpg"
START = {"image_url": FACE}
FREELY: dict[str, Any] = {"rate_limit": "100000/second", "rate_limit_anonymous": "100000/second"}
PATIENCE_S = 30


@pytest.fixture
def it(tmp_path: Path, database_url: str) -> Iterator[Running]:
    with running(tmp_path, database_url, **FREELY) as made:
        yield made


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """For what leaves nothing behind."""
    with running(tmp_path_factory.mktemp("home"), upload_max_bytes=1_000_000, **FREELY) as made:
        yield made


def books_are_right(it: Running) -> None:
    with it.platform.database.read() as c:
        assert reconcile(c) == []


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Carry out several things in the same moment."""
    answers: list[Any] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(number: int) -> None:
        barrier.wait(PATIENCE_S)
        answers[number] = calls[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    return answers


def raw(it: Running, content: bytes, path: str = "talkingPhoto/start", **headers: str) -> Any:
    answer = it.client.post(f"/api/v1/{path}", content=content, headers=headers)
    return answer.json() | {"status": answer.status_code}


# Texts and numbers that databases do not take


ODD_TEXTS = ["a\0b", "\ud800", "\U0010ffff", "\ufffe\uffff", "\u202e", "\x1b[31m", "a\r\nb: c", "𝒜" * 60]
ODD_PATHS = [
    "video/awsList?current=%00",
    "video/a%00b",
    "tasks/%ED%A0%80",
    "tasks/%FF%FE",
    "talkingPhoto/allRecords?status=%ED%A0%80",
    "tasks/%0d%0aSet-Cookie:a=b",
    "video/detail?video_id=%F4%90%80%80",
    "anchor/character_list?user_video_twin_id=%F0%9F%98%80",
]


def test_no_character_is_a_bug(it: Running) -> None:
    for where in ("name", "webhook_token", "image_url", "prompt"):
        for text in ODD_TEXTS:
            before = it.get("talkingPhoto/allRecords")["count"]
            answer = raw(it, json.dumps(START | {where: text}).encode())
            assert answer["status"] in (200, 400), (where, text, answer)
            assert it.get("talkingPhoto/allRecords")["count"] == before + (answer["status"] == 200)


def test_no_character_of_an_address_is_a_bug(it: Running) -> None:
    for path in ODD_PATHS:
        for method in ("GET", "DELETE"):
            answer = it.client.request(method, f"/api/v1/{path}")
            assert answer.status_code in (200, 400, 404, 405), (path, answer.text)
            assert "set-cookie" not in answer.headers


ODD_BODIES = [
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"image_url": NaN}',
    b'{"image_url": 1e999}',
    b"1" * 5000,
    b'{"duration": 1' + b"0" * 5000 + b"}",
    b'{"duration": 9223372036854775808}',
    b'{"duration": -1}',
    b'{"duration": 1e308}',
    b'{"duration": true}',
    b'{"duration": "1e9"}',
    b'{"image_url": "\xff"}',
    b"\xff\xfe{\x00}\x00",
    b'{"image_url": "a", "image_url": 5}',
    b"{}{}",
    b'"' + b"\\" * 1001,
    b"null",
    b"[]",
]


def test_no_json_is_a_bug(it: Running) -> None:
    for content in ODD_BODIES:
        answer = raw(it, content)
        assert answer["status"] == 400, (content[:50], answer)
        assert answer["message"] == answer["msg"] != ""
    assert it.balance() == (1000, 0)


def test_no_size_of_a_page_is_a_bug(it: Running) -> None:
    for size in ("-1", "0", "1e308", "9" * 30, "1.5", "nan", "0x10", "٣"):
        for path in ("talkingPhoto/allRecords", "transactionRecord/creditsHistory", "webhooks/deliveries"):
            for name in ("pageSize", "pageNum"):
                assert it.client.get(f"/api/v1/{path}", params={name: size}).status_code in (200, 400)


def test_the_last_page_of_all_is_empty(it: Running) -> None:
    assert it.get("talkingPhoto/allRecords?pageNum=1000000000&pageSize=1000000000")["rows"] == []


def test_no_instant_is_a_bug(it: Running) -> None:
    far = ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31", "0001-01-01")
    for when in (*far, "-1", "1e99", "2025-W01-1"):
        answer = it.client.get("/api/v1/transactionRecord/creditsHistory", params={"startDate": when, "endDate": when})
        assert answer.status_code in (200, 400), (when, answer.text)


def test_long_lists_of_ids_are_refused(it: Running) -> None:
    assert it.post("talkingPhoto/batchDetail", {"ids": ["x"] * 201})["status"] == 400
    assert it.post("talkingPhoto/batchDetail", {"ids": ["x" * 5000]})["status"] == 400
    assert it.post("talkingPhoto/batchDetail", {"ids": ["x"] * 200}) == []


def test_no_amount_of_coins_is_a_bug(it: Running) -> None:
    admin, _ = it.platform.accounts.ensure_admin()
    key = it.platform.accounts.create_key(admin.id)[1]
    for coins in (-1, 2**63 - 1, 2**63, 10**30, 1.5, "9223372036854775807"):
        answer = it.post("user/add", {"username": "Rich", "coins": coins}, Authorization=f"Bearer {key}")
        assert answer["status"] == 400, coins
        assert it.post("user/exchangeDiamonds", {"diamonds": coins})["status"] in (400, 402)
    books_are_right(it)


# Idempotency


def test_a_long_idempotency_key_is_refused(it: Running) -> None:
    for length in (257, 10_000):
        assert raw(it, json.dumps(START).encode(), **{"Idempotency-Key": "x" * length})["status"] == 400


def test_an_odd_idempotency_key_is_only_a_key(it: Running) -> None:
    """Blanks were a key too: whoever sent only these got the same task for ever."""
    for key in ("'; DROP TABLE tasks; --", "%00%s{}", "\xe9\xff", "hold:1", " ", "\t"):
        headers = {b"Idempotency-Key": key.encode("latin-1")}
        first, again = (it.client.post("/api/v1/talkingPhoto/start", json=START, headers=headers) for _ in range(2))
        assert first.status_code == again.status_code == 200
        assert (first.json()["data"]["_id"] == again.json()["data"]["_id"]) == bool(key.strip())


def test_the_same_key_from_many_at_once_makes_one_task(it: Running) -> None:
    body = json.dumps(START).encode()
    made = at_once(*[lambda: raw(it, body, **{"Idempotency-Key": "one"}) for _ in range(8)])
    assert {answer["status"] for answer in made} == {200}
    assert len({answer["data"]["_id"] for answer in made}) == 1
    assert len(it.worker.waiting) == 1
    books_are_right(it)


# Races


def coins_of(it: Running) -> int:
    return it.balance()[0]


def test_two_who_cancel_give_the_coins_back_once(it: Running) -> None:
    task = it.post("talkingPhoto/start", START)["_id"]
    at_once(*[lambda: it.post(f"talkingPhoto/{task}/cancel") for _ in range(4)])
    assert coins_of(it) == 1000
    books_are_right(it)


def test_cancelling_and_finishing_at_once_pays_once(it: Running) -> None:
    for _ in range(5):
        before = coins_of(it)
        task_id = it.post("talkingPhoto/start", START)["_id"]
        task, _family = it.platform.tasks.find(it.user_id, task_id)
        at_once(
            partial(it.post, f"talkingPhoto/{task_id}/cancel"),
            partial(it.platform.tasks.finish, task, State.COMPLETED, result={}),
        )
        record = it.get(f"talkingPhoto/{task_id}")
        assert coins_of(it) == before - (record["coins"] if record["current_status"] == "completed" else 0)
    books_are_right(it)


def test_two_who_delete_are_no_bug(it: Running) -> None:
    task = it.post("talkingPhoto/start", START)["_id"]
    answers = at_once(*[lambda: it.delete(f"talkingPhoto/{task}") for _ in range(4)])
    assert all(answer.get("_id") == task or answer["status"] in (404, 409) for answer in answers)
    assert coins_of(it) == 1000
    books_are_right(it)


def test_two_who_retry_pay_once(it: Running) -> None:
    task = it.post("talkingPhoto/start", START)
    it.post(f"talkingPhoto/{task['_id']}/cancel")
    answers = at_once(*[lambda: it.post("talkingPhoto/retry", {"_id": task["_id"]}) for _ in range(4)])
    assert sorted(answer.get("status", 200) for answer in answers) == [200, 409, 409, 409]
    assert coins_of(it) == 1000 - task["coins"]
    books_are_right(it)


def test_deleting_while_it_is_tried_again_leaves_no_paid_task_that_nobody_sees(it: Running) -> None:
    """The new attempt ran on, hidden, and was charged; or the retry found nothing and was a bug."""
    for _ in range(8):
        task_id = it.post("talkingPhoto/start", START)["_id"]
        it.post(f"talkingPhoto/{task_id}/cancel")
        gone, again = at_once(
            partial(it.delete, f"talkingPhoto/{task_id}"),
            partial(it.post, "talkingPhoto/retry", {"_id": task_id}),
        )
        assert again.get("status", 200) in (200, 404, 409)
        if gone.get("_id") == task_id:
            assert it.get(f"talkingPhoto/{task_id}")["status"] == 404
        else:
            it.delete(f"talkingPhoto/{task_id}")
    assert coins_of(it) == 1000
    books_are_right(it)


def test_a_retry_between_the_cancelling_and_the_hiding_of_a_task_is_cancelled_too(
    it: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, in the one order that matters."""
    task_id = it.post("talkingPhoto/start", START)["_id"]
    hide = repository.mark_deleted
    tried: list[Any] = []

    def late(c: Any, task: Any, *, now_ms: int) -> bool:
        if not tried:
            tried.append(it.platform.settings.home)
            repository.reopen(c, task, state=State.INITIALIZED.value)
        return hide(c, task, now_ms=now_ms)

    monkeypatch.setattr(repository, "mark_deleted", late)
    assert it.delete(f"talkingPhoto/{task_id}") == {"_id": task_id}
    assert it.get(f"talkingPhoto/{task_id}")["status"] == 404
    assert coins_of(it) == 1000


def test_a_deleted_task_is_not_tried_again(it: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """It had been found before it was deleted: the call ended as a bug, its coins held."""
    task_id = it.post("talkingPhoto/start", START)["_id"]
    it.post(f"talkingPhoto/{task_id}/cancel")
    family = it.platform.families["talkingPhoto"]
    found = it.platform.tasks.get(it.user_id, family, task_id)
    it.delete(f"talkingPhoto/{task_id}")
    monkeypatch.setattr(Tasks, "get", lambda *_: found)
    assert it.post("talkingPhoto/retry", {"_id": task_id})["status"] == 409
    assert coins_of(it) == 1000


def test_the_last_coins_are_spent_once(it: Running) -> None:
    with it.platform.database.write() as c:
        ledger.hold(c, it.user_id, 1000 - 20, subject="rest", note="", now_ms=1)
    made = at_once(*[lambda: it.post("talkingPhoto/start", START | {"duration": 5}) for _ in range(6)])
    assert sorted(answer.get("status", 200) for answer in made) == [200, 402, 402, 402, 402, 402]
    assert coins_of(it) >= 0
    books_are_right(it)


# Webhooks


def test_a_token_that_no_header_carries_is_refused(it: Running) -> None:
    """Such a notice stopped the courier, and with it everybody's notices."""
    for token in ("a\r\nX-Evil: 1", "a\nb", "Schlüssel", "钥匙", "a\x7f"):
        answer = it.post("talkingPhoto/start", START | {"webhook_url": "https://app.example/h", "webhook_token": token})
        assert (answer["status"], answer["reason"]) == (400, "bad_webhook_token")


def test_a_notice_that_cannot_be_sent_stops_no_other(it: Running) -> None:
    task = it.post("talkingPhoto/start", START | {"webhook_url": "https://app.invalid/h", "webhook_token": "t"})
    it.post(f"talkingPhoto/{task['_id']}/cancel")
    with it.platform.database.write() as c:
        c.execute(deliveries.update().values(token="a\r\nb"))
        assert len(notices.due(c, now_ms=it.platform.clock.now_ms(), limit=9)) == 1
    assert Courier(it.platform).deliver_due() == 1
    assert it.get("webhooks/deliveries")["rows"][0]["error"]


def test_no_notice_goes_inside(it: Running) -> None:
    for place in ("127.0.0.1:1/x", "169.254.169.254/latest", "[::1]/", "localhost/", "0/", "2130706433/"):
        task = it.post("talkingPhoto/start", START | {"webhook_url": f"http://{place}"})
        if task.get("status") != 400:
            it.post(f"talkingPhoto/{task['_id']}/cancel")
    Courier(it.platform).deliver_due()
    sent = it.get("webhooks/deliveries")["rows"]
    assert sent and all(notice["status"] is None and notice["error"] for notice in sent)


# Files and addresses


@pytest.mark.parametrize(
    "path",
    ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/x", "/etc/passwd", "uploads/../secret", "a//b",
     "C:%5Cx", "uploads/%0a/x",
     "uploads/x/" + "y" * 3000, "~root/x", ".incoming/x", "uploads%00/x", "", "uploads/u/f.png%20"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_no_path_leads_out_of_the_files(lasting: Running, method: str, path: str) -> None:
    for query in ("", "?exp=99999999999&sig=" + "0" * 64, "?exp=x&sig=y&type=&size=-1", "?size=" + "9" * 40):
        answer = lasting.client.request(method, f"/files/{path}{query}", content=b"x" if method == "PUT" else None)
        assert answer.status_code in (307, 400, 403, 404, 405), (answer.status_code, answer.text)
    assert not list(lasting.platform.settings.home.rglob("passwd"))


@pytest.mark.parametrize(
    "name", ['a"; x="b.png', "a\r\nSet-Cookie: a=b.png", "../../../x.png", "<script>.png", "...", "\u202egnp.png"]
)
def test_no_name_of_a_file_reaches_a_header_as_it_is(lasting: Running, name: str) -> None:
    ticket = lasting.post("r2/upload-presigned-url", {"key": name})
    put = lasting.client.put(ticket["uploadUrl"], content=samples.picture())
    assert put.status_code == 200
    answer = lasting.client.get(ticket["cdnUrl"])
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-disposition"].count('"') == 2
    assert f"uploads/{lasting.user_id}/" in ticket["key"]


def test_an_upload_that_is_announced_as_too_large_is_refused_at_once(lasting: Running) -> None:
    """Its bytes were read up to the limit first."""
    ticket = lasting.post("r2/upload-presigned-url", {"key": "a.mp4"})
    read: list[int] = []

    def body() -> Iterator[bytes]:
        read.append(1)
        yield b"x"

    put = lasting.client.put(ticket["uploadUrl"], content=body(), headers={"Content-Length": str(5 * 2**30)})
    assert (put.status_code, put.json()["reason"]) == (413, "too_large")


@pytest.mark.parametrize(
    "host",
    ['evil"><script>', "a b", "evil.example/path", "user@evil.example", "evil.example:99999999", "ä", "a,b", "[::1"],
)
def test_a_forged_host_stands_in_no_address(lasting: Running, host: str) -> None:
    """Whatever was sent as Host stood in the addresses of answers."""
    answer = lasting.client.post(
        "/api/v1/r2/upload-presigned-url",
        json={"key": "a.png"},
        headers={b"Host": host.encode()},
    )
    assert answer.json()["data"]["uploadUrl"].startswith("http://127.0.0.1:8000/files/")


def test_strangers_cannot_say_where_the_service_is(lasting: Running) -> None:
    names = ("X-Forwarded-Host", "X-Forwarded-Server", "X-Original-URL", "X-Forwarded-Prefix", "Forwarded")
    forged = dict.fromkeys(names, "host=evil.example")
    answer = lasting.client.post("/api/v1/r2/upload-presigned-url", json={"key": "a.png"}, headers=forged)
    assert "evil" not in answer.text and answer.status_code == 200


def test_one_user_cannot_take_all_streams(lasting: Running) -> None:
    """Each held a place and asked the database twice a second for hours."""
    task = lasting.post("talkingPhoto/start", START)["_id"]
    lasting.client.app.state.streams[lasting.user_id] = STREAMS_MAX  # type: ignore[attr-defined]
    try:
        refused = lasting.get(f"tasks/{task}/events")
    finally:
        del lasting.client.app.state.streams[lasting.user_id]  # type: ignore[attr-defined]
    assert (refused["status"], refused["reason"]) == (429, "too_many_streams")
    lasting.post(f"tasks/{task}/cancel")
    assert lasting.client.get(f"/api/v1/tasks/{task}/events").status_code == 200
    assert not lasting.client.app.state.streams  # type: ignore[attr-defined]


def test_pages_show_nothing_of_users(lasting: Running) -> None:
    lasting.post("talkingPhoto/start", START | {"name": "<script>alert(1)</script>"})
    for path in ("/docs", "/openapi.json", "/docs/docs.js"):
        assert "alert(1)" not in lasting.client.get(path).text
    listed = lasting.client.get("/api/v1/talkingPhoto/allRecords")
    assert listed.headers["content-type"] == "application/json"


# Time


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("video/lang_classify", {"msg": "a" * 100_000}),
        ("video/lang_classify", {"msg": " .,;" * 25_000}),
        (
            "generation/quote",
            {"endpoint": "talkingPhoto/start", "requestBody": START | {"prompt": "not " + " " * 4990}},
        ),
        ("generation/quote", {"endpoint": " " * 256, "requestBody": {}}),
        ("video/generate", {"anchor_id": "x", "color": "rgb(" + " " * 59}),
        ("anchor/voice_list", {"country": "a-" * 20, "region": "x" * 16}),
        ("r2/upload-presigned-url", {"key": "a" * 1024, "contentType": "image/png" + ";" * 100}),
        ("talkingPhoto/start", START | {"image_url": "http://" + "a." * 2000}),
    ],
)
def test_no_text_takes_long(lasting: Running, path: str, body: dict[str, Any]) -> None:
    """Counted in time of the processor, so that a busy machine does not matter."""
    lasting.post(path, body)  # loads what is loaded once
    before_s = time.process_time()
    lasting.post(path, body)
    assert time.process_time() - before_s < 1.0


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.dictionaries(
        st.sampled_from(["image_url", "audio_url", "duration", "name", "prompt", "webhook_url", "webhook_token", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda one: st.lists(one), max_leaves=3
        ),
    )
)
def test_no_body_is_a_bug(lasting: Running, body: dict[str, Any]) -> None:
    answer = raw(lasting, json.dumps(body).encode("utf-8", "surrogatepass"))
    assert answer["status"] in (200, 400, 402, 429), answer
