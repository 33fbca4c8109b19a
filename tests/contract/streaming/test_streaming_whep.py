"""Viewers: WHEP, the socket for strict firewalls, pushed sound, and the events of a room."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from avatarium.accounts.models import Scope
from avatarium.api import sockets
from avatarium.catalogue.shipped import shipped_avatars
from avatarium.clock import ManualClock
from avatarium.errors import UnavailableError
from avatarium.streaming import control, tokens
from avatarium.streaming.guard import QUIET_S, Guard
from avatarium.tasks.liveness import FileLocks
from tests.running import Running, running
from tests.support.stage import ANSWER, RESTARTED, StageDouble, stages

AVATAR = shipped_avatars()[0].id
OFFER = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n"
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def it(tmp_path: Path, clock: ManualClock) -> Iterator[Running]:
    with running(tmp_path, clock=clock, rate_limit_anonymous="30/minute") as made:
        yield made


@pytest.fixture
def stage(it: Running) -> Iterator[StageDouble]:
    with stages(it.platform) as made:
        yield made[0]


def book(it: Running, **more: Any) -> Any:
    return it.post("streaming-avatar/agora-token", {"avatar_id": AVATAR, "expire_seconds": 60, **more})


def join(it: Running, room: Any, body: Any = OFFER, token: str | None = None, **headers: str) -> Any:
    bearer = {"Authorization": f"Bearer {room['token'] if token is None else token}"}
    return it.client.post(f"/whep/{room['channel']}", content=body, headers=SDP | bearer | headers)


def refused(answer: Any) -> tuple[int, str]:
    body = answer.json()
    assert body["message"] == body["msg"] != "" and body["code"] == answer.status_code
    return answer.status_code, body["reason"]


def signed(it: Running, room: Any, **changes: Any) -> str:
    """A token that this installation signed, with something else in it."""
    credentials = tokens.Credentials.of(it.platform.settings, it.platform.secret)
    issued_s = it.platform.clock.now_ms() // 1000
    given = {"channel": room["channel"], "uid": room["uid"], "issued_s": issued_s, "valid_s": 60, "microphone": False}
    return tokens.viewer_token(credentials, **given | changes)


def test_an_offer_is_answered_as_whep_wants_it(it: Running, stage: StageDouble) -> None:
    room = book(it)
    answer = join(it, room)
    assert answer.status_code == 201 and answer.text == ANSWER
    assert answer.headers["content-type"].startswith("application/sdp")
    assert answer.headers["location"] == f"/whep/{room['channel']}/viewer1"
    assert answer.headers["etag"] == '"abcd"'
    assert answer.headers["accept-patch"] == "application/trickle-ice-sdpfrag"
    viewer = next(iter(stage.rooms.values())).viewers[0]
    assert viewer["x-viewer-uid"] == str(room["uid"]) and viewer["x-may-publish"] == "0" and viewer["sdp"] == OFFER


def test_pages_of_other_sites_may_join_and_read_the_headers(it: Running, stage: StageDouble) -> None:
    room = book(it)
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    asked |= {"Access-Control-Request-Headers": "authorization,content-type"}
    preflight = it.client.options(f"/whep/{room['channel']}", headers=asked)
    assert preflight.status_code == 200 and preflight.headers["access-control-allow-origin"] == "*"
    answer = join(it, room, Origin="https://a.example")
    shown = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"location", "link", "etag", "accept-patch"} <= shown
    assert it.client.options(f"/whep/{room['channel']}").headers["accept-post"] == "application/sdp"
    assert it.client.get(f"/whep/{room['channel']}").status_code == 405


def test_ice_servers_are_told_as_links(tmp_path: Path) -> None:
    servers = ["stun:stun.example:3478", "turn:turn.example:3478"]
    with running(tmp_path, ice_servers=servers, turn_secret="north") as it, stages(it.platform):
        links = join(it, book(it)).headers.get_list("link")
    assert links[0] == '<stun:stun.example:3478>; rel="ice-server"'
    assert links[1].startswith('<turn:turn.example:3478?transport=udp>; rel="ice-server"; username="')
    assert links[1].endswith('credential-type="password"')


def test_a_right_to_publish_that_has_ended_is_none(it: Running, stage: StageDouble, clock: ManualClock) -> None:
    room = book(it, microphone=True)
    clock.advance(20)
    credentials = tokens.Credentials.of(it.platform.settings, it.platform.secret)
    for lasts_s in (10, 30):
        token = tokens.AccessToken(
            app_id=credentials.app_id,
            channel=room["channel"],
            uid="",
            issued_s=clock.now_ms() // 1000 - 20,
            valid_s=60,
            salt=1,
            privileges={tokens.Privilege.JOIN: 60, tokens.Privilege.PUBLISH_AUDIO: lasts_s},
        )
        join(it, room, token=tokens.build(token, credentials.certificate))
    (opened,) = stage.rooms.values()
    assert [viewer["x-may-publish"] for viewer in opened.viewers] == ["0", "1"]


def test_microphones_are_for_rooms_that_were_booked_with_one(it: Running, stage: StageDouble) -> None:
    join(it, book(it, microphone=True))
    deaf = book(it)
    join(it, deaf, token=signed(it, deaf, microphone=True))
    assert [room.viewers[0]["x-may-publish"] for room in stage.rooms.values()] == ["1", "0"]


@pytest.mark.parametrize(
    ("token", "status", "reason"),
    [
        ("", 401, "no_room_token"),
        ("sk_none", 401, "bad_room_token"),
        ("007", 401, "bad_room_token"),
        ("007eJxx", 401, "bad_room_token"),
        ("007" + "A" * 5000, 401, "bad_room_token"),
        ("006013a409abcdb4ce083d01ff3cb1c78ecIAB", 401, "bad_room_token"),
    ],
)
def test_what_is_no_token_opens_nothing(it: Running, stage: StageDouble, token: str, status: int, reason: str) -> None:
    assert refused(join(it, book(it), token=token)) == (status, reason)
    assert not next(iter(stage.rooms.values())).viewers


def test_tokens_of_others(it: Running, stage: StageDouble, clock: ManualClock) -> None:
    room, other = book(it), book(it)
    assert refused(join(it, room, token=other["token"])) == (403, "token_for_other_room")
    assert refused(join(it, room, token=signed(it, room, uid=5))) == (403, "token_for_other_room")
    assert join(it, room, token=signed(it, room, uid=0)).status_code == 201
    forged = tokens.Credentials(app_id=room["appId"], certificate="0" * 32)
    token = tokens.viewer_token(
        forged, channel=room["channel"], uid=room["uid"], issued_s=1, valid_s=10**9, microphone=False
    )
    assert refused(join(it, room, token=token)) == (401, "bad_room_token")
    nowhere = {"channel": "fffff", "token": signed(it, room, channel="fffff")}
    assert refused(join(it, nowhere)) == (404, "room_not_found")
    expired = signed(it, room, issued_s=clock.now_ms() // 1000 - 100, valid_s=50)
    assert refused(join(it, room, token=expired)) == (401, "room_token_expired")
    key = it.client.headers["Authorization"].removeprefix("Bearer ")
    assert refused(join(it, room, token=key)) == (401, "bad_room_token"), "an API key is none"


def test_a_used_up_token(it: Running, stage: StageDouble, clock: ManualClock) -> None:
    left, over = book(it), book(it)
    it.post("streaming-avatar/leave", {"channel": left["channel"]})
    assert refused(join(it, left)) == (410, "room_over")
    clock.advance(61)
    assert refused(join(it, over)) == (410, "room_over")


def test_the_first_token_stays_good_in_a_room_that_was_extended(
    it: Running, stage: StageDouble, clock: ManualClock
) -> None:
    room = book(it)
    it.post("streaming-avatar/extend", {"channel": room["channel"], "seconds": 60})
    clock.advance(90)
    stage.register()
    assert join(it, room).status_code == 201


def test_bodies_and_types_that_are_no_offer(it: Running, stage: StageDouble) -> None:
    room = book(it)
    bearer = {"Authorization": f"Bearer {room['token']}"}
    typed = it.client.post(f"/whep/{room['channel']}", json={"sdp": OFFER}, headers=bearer)
    assert refused(typed) == (415, "wrong_media_type") and typed.headers["accept-post"] == "application/sdp"
    assert refused(join(it, room, Accept="application/json")) == (406, "not_acceptable")
    assert join(it, room, Accept="application/sdp, */*;q=0.1").status_code == 201
    assert refused(join(it, room, body=b"x" * (64 * 1024 + 1))) == (413, "sdp_too_large")
    assert join(it, room, body=b"x" * 64 * 1024).status_code == 201
    assert refused(join(it, room, body=b"")) == (400, "empty_sdp")
    for channel in ("..%2f", "%00", "a" * 70, "g1234"):
        answer = it.client.post(f"/whep/{channel}", content=OFFER, headers=SDP | bearer)
        assert answer.status_code in (400, 403, 404), channel


def test_what_a_stage_says_of_an_offer_reaches_the_viewer(it: Running, stage: StageDouble) -> None:
    room = book(it)
    stage.refusal = (400, {"reason": "no_common_codec", "message": "Offer H.264 or VP8."})
    assert refused(join(it, room)) == (400, "no_common_codec")
    stage.refusal = (401, {"reason": "bad_key", "message": "No."})
    assert refused(join(it, room)) == (503, "stage_away")
    stage.stop()
    assert refused(join(it, room)) == (503, "stage_away")


def test_candidates_restarts_and_goodbyes(it: Running, stage: StageDouble) -> None:
    room = book(it)
    place = join(it, room).headers["location"]
    bearer = {"Authorization": f"Bearer {room['token']}"}
    fragment = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host"
    trickled = it.client.patch(place, content=fragment, headers=FRAGMENT | bearer | {"If-Match": '"abcd"'})
    assert trickled.status_code == 204 and not trickled.content
    restarted = it.client.patch(place, content="a=ice-ufrag:new", headers=FRAGMENT | bearer)
    assert (restarted.status_code, restarted.text, restarted.headers["etag"]) == (200, RESTARTED, '"efgh"')
    assert restarted.headers["content-type"].startswith("application/trickle-ice-sdpfrag")
    assert refused(it.client.patch(place, content="x", headers=SDP | bearer)) == (415, "wrong_media_type")
    assert refused(it.client.patch(place, content="x", headers=FRAGMENT | {"Authorization": ""}))[0] == 401
    assert refused(it.client.delete(place, headers={"Authorization": "Bearer 007x"}))[0] == 401
    assert it.client.delete(place, headers=bearer).status_code == 200
    told = [(verb, facts["viewer"], facts["if_match"]) for verb, facts in next(iter(stage.rooms.values())).told]
    assert told == [("PATCH", "viewer1", '"abcd"'), ("PATCH", "viewer1", ""), ("DELETE", "viewer1", "")]
    odd = it.client.delete(f"/whep/{room['channel']}/a%20b", headers=bearer)
    assert refused(odd) == (404, "viewer_not_found")


def test_who_tries_tokens_is_slowed_down_and_good_ones_are_not(it: Running, stage: StageDouble) -> None:
    room = book(it)
    found = [join(it, room, token=f"007{number}").status_code for number in range(60)]
    assert found.count(429) >= 10 and set(found) == {401, 429}
    assert join(it, room).status_code == 201


# Sockets


def open_socket(it: Running, path: str, **headers: str) -> WebSocketTestSession:
    return it.client.websocket_connect(path, headers={"Authorization": ""} | headers)


def closing_of(socket: WebSocketTestSession) -> tuple[dict[str, Any], int]:
    """The error that is told before a socket is closed, and the code with which it is."""
    told = json.loads(socket.receive_text())
    with pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text()
    assert told["type"] == "error" and told["message"]
    return told, closed.value.code


def test_a_room_can_be_watched_over_one_connection(it: Running, stage: StageDouble) -> None:
    room = book(it)
    with open_socket(it, f"/whep/{room['channel']}/watch?token={room['token'].replace('+', '%2B')}") as socket:
        socket.send_text('{"type": "start"}')
        assert socket.receive_text() == 'heard {"type": "start"}'
        socket.send_bytes(b"\x01\x02\x03")
        assert socket.receive_bytes() == b"\x03\x02\x01"
    way, facts = next(iter(stage.rooms.values())).told[0]
    assert (way, facts["x-viewer-uid"], facts["x-may-publish"]) == ("watch", str(room["uid"]), "0")
    assert not it.client.app.state.sockets  # type: ignore[attr-defined]


def test_the_end_of_a_room_ends_the_connection_with_its_code(it: Running, stage: StageDouble) -> None:
    room = book(it)
    with open_socket(it, f"/whep/{room['channel']}/watch", Authorization=f"Bearer {room['token']}") as socket:
        socket.send_text("bye")
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert (closed.value.code, closed.value.reason) == (4410, "room_over")


def test_a_stage_that_dies_ends_the_connection(it: Running, stage: StageDouble) -> None:
    room = book(it)
    with open_socket(it, f"/whep/{room['channel']}/watch", Authorization=f"Bearer {room['token']}") as socket:
        socket.send_text("a")
        assert socket.receive_text() == "heard a"
        stage.stop()
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert closed.value.code in (1012, 4503)


def test_wrong_tokens_are_told_over_the_socket(it: Running, stage: StageDouble) -> None:
    room = book(it)
    with open_socket(it, f"/whep/{room['channel']}/watch?token=007x") as socket:
        told, code = closing_of(socket)
    assert (told["code"], code) == ("bad_room_token", 4401)
    with open_socket(it, f"/whep/{room['channel']}/watch") as socket:
        assert closing_of(socket)[1] == 4401
    it.post("streaming-avatar/leave", {"channel": room["channel"]})
    with open_socket(it, f"/whep/{room['channel']}/watch", Authorization=f"Bearer {room['token']}") as socket:
        assert closing_of(socket)[1] == 4410


def test_silent_viewers_are_let_go(it: Running, stage: StageDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "IDLE_S", 0.05)
    room = book(it)
    with open_socket(it, f"/whep/{room['channel']}/watch", Authorization=f"Bearer {room['token']}") as socket:
        told, code = closing_of(socket)
    assert (told["code"], code) == ("socket_silent", 4408)


def test_who_floods_a_socket_is_sent_away(it: Running, stage: StageDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "MESSAGES_AT_ONCE", 5)
    room = book(it)
    with open_socket(it, f"/whep/{room['channel']}/watch", Authorization=f"Bearer {room['token']}") as socket:
        for _ in range(6):
            socket.send_text("a")
        while (told := socket.receive_text()) == "heard a":
            pass
        assert json.loads(told)["code"] == "too_many_messages"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert closed.value.code == 4429


def test_one_user_has_so_many_sockets(it: Running, stage: StageDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "SOCKETS_MAX", 1)
    room = book(it)
    bearer = {"Authorization": f"Bearer {room['token']}"}
    with open_socket(it, f"/whep/{room['channel']}/watch", **bearer) as first:
        first.send_text("a")
        assert first.receive_text() == "heard a"
        with open_socket(it, f"/whep/{room['channel']}/watch", **bearer) as second:
            assert closing_of(second)[1] == 4429
        first.send_text("b")
        assert first.receive_text() == "heard b"


def test_sound_is_pushed_with_a_key_or_a_client_token(it: Running, stage: StageDouble) -> None:
    channel = book(it)["channel"]
    path = f"/api/v1/streaming-avatar/sound?channel={channel}"
    key = it.client.headers["Authorization"]
    client_token = it.post("token/client", {"scopes": ["streaming"]})["token"]
    for socket in (
        open_socket(it, f"{path}&rate=16000", Authorization=key),
        open_socket(it, f"{path}&token={client_token}"),
    ):
        with socket as pushing:
            pushing.send_bytes(b"ab")
            assert pushing.receive_bytes() == b"ba"
    queries = [facts["query"] for way, facts in next(iter(stage.rooms.values())).told if way == "sound"]
    assert queries == ["rate=16000", ""], "what is ours is not passed on"


def test_sound_of_strangers(it: Running, stage: StageDouble) -> None:
    path = f"/api/v1/streaming-avatar/sound?channel={book(it)['channel']}"
    key = it.client.headers["Authorization"]
    narrow = it.platform.accounts.create_key(it.user_id, scopes={Scope.READ})[1]
    for socket, code, reason in (
        (open_socket(it, path), 4401, "no_key"),
        (open_socket(it, f"{path}&token=ct_none"), 4401, "bad_token"),
        (open_socket(it, f"{path}&token={key.removeprefix('Bearer ')}"), 4401, "key_elsewhere"),
        (open_socket(it, path, Authorization=it.other["Authorization"]), 4404, "room_not_found"),
        (open_socket(it, path, Authorization=f"Bearer {narrow}"), 4403, "scope_missing"),
        (open_socket(it, path.replace("channel", "x"), Authorization=key), 4404, "room_not_found"),
    ):
        with socket as opened:
            told, closed = closing_of(opened)
        assert (told["code"], closed) == (reason, code)
    assert not next(iter(stage.rooms.values())).told


# Events


def read(it: Running, channel: str, **headers: str) -> list[tuple[str, dict[str, Any]]]:
    """All events of a room up to its last."""
    path = f"/api/v1/streaming-avatar/events?channel={channel}"
    answer = it.client.get(path, headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in answer.text.replace("\r\n", "\n").strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if lines:
            data = json.loads(lines["data"])
            assert lines["event"] == data["type"] and lines["id"] == str(data["number"])
            found.append((lines["event"], data))
    return found


def test_events_come_as_they_happen_and_end_with_the_report(it: Running, stage: StageDouble) -> None:
    channel = book(it)["channel"]
    room_id = next(iter(stage.rooms))
    stage.emit(room_id, "ready")
    stage.emit(room_id, "speaking_started", text="Grüße, 世界", command_id="c1")
    it.post("streaming-avatar/leave", {"channel": channel})
    found = read(it, channel)
    assert [name for name, _ in found] == ["ready", "speaking_started", "ended"]
    assert found[1][1]["text"] == "Grüße, 世界" and found[1][1]["command_id"] == "c1"
    assert found[2][1]["reason"] == "left" and found[2][1]["refunded"] == 12 and found[2][1]["why"]


def test_who_comes_back_gets_what_was_missed(it: Running, stage: StageDouble) -> None:
    channel = book(it)["channel"]
    for number in range(5):
        stage.emit(next(iter(stage.rooms)), "word", text=str(number))
    it.post("streaming-avatar/leave", {"channel": channel})
    found = read(it, channel, **{"Last-Event-ID": "4"})
    assert [(name, event.get("text")) for name, event in found] == [("word", "4"), ("ended", None)]
    assert len(read(it, channel, **{"Last-Event-ID": "nonsense"})) == 6
    assert [name for name, _ in read(it, channel, **{"Last-Event-ID": "6"})] == ["ended"]


def test_of_a_room_whose_stage_died_the_service_itself_tells_the_end(
    it: Running, stage: StageDouble, clock: ManualClock, tmp_path: Path
) -> None:
    channel = book(it)["channel"]
    room_id = next(iter(stage.rooms))
    it.platform.rooms.note_joined(room_id)
    stage.emit(room_id, "ready")
    clock.advance(12)
    it.platform.rooms.note_seen(stage.id, {room_id})
    locks = FileLocks(tmp_path / "stages")
    guard = Guard(it.platform.database, it.platform.rooms, locks, clock, it.platform.settings)
    stage.stop()
    assert guard.look() == 0
    clock.advance(QUIET_S + 1)
    assert [guard.look(), guard.look()] == [0, 1]
    found = read(it, channel, **{"Last-Event-ID": "1"})
    assert [(name, event["reason"]) for name, event in found] == [("ended", "stage_lost")]
    assert found[0][1]["charged"] == 3 and found[0][1]["number"] == 2
    assert it.balance()[0] == 997


def test_streams_of_events_do_not_use_up_what_calls_need(
    it: Running, stage: StageDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "CONNECTIONS", 1)
    monkeypatch.setattr(control, "STREAMS", 1)
    monkeypatch.setattr(control, "CONNECT_S", 0.5)
    book(it)
    room_id = next(iter(stage.rooms))
    stage.emit(room_id, "ready")
    (record,) = it.platform.rooms.stages()

    async def run() -> None:
        client = control.StageClient(it.platform.secret)
        first = client.events(record, room_id, after=0)
        assert await anext(first)
        assert await client.state(record, room_id)
        with pytest.raises(UnavailableError):
            await anext(client.events(record, room_id, after=0))
        assert await client.state(record, room_id)
        await first.aclose()  # type: ignore[attr-defined]
        await client.close()

    asyncio.run(run())
