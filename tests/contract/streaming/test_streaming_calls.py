"""The streaming avatar as clients of A2E call it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from avatarium.accounts.models import Scope
from avatarium.accounts.reconcile import reconcile
from avatarium.catalogue.shipped import shipped_avatars
from avatarium.clock import ManualClock
from avatarium.streaming import tokens
from avatarium.streaming.models import EndReason
from tests.running import COINS, Running, running
from tests.support.stage import StageDouble, stages

AVATAR = shipped_avatars()[0].id
PREFIX = "streaming-avatar"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def it(tmp_path: Path, database_url: str, clock: ManualClock) -> Iterator[Running]:
    with running(tmp_path, database_url, clock=clock) as made:
        yield made


@pytest.fixture
def stage(it: Running) -> Iterator[StageDouble]:
    with stages(it.platform) as made:
        yield made[0]


def book(it: Running, seconds: Any = 60, **more: Any) -> Any:
    return it.post(f"{PREFIX}/agora-token", {"avatar_id": AVATAR, "expire_seconds": seconds, **more})


def coins(it: Running) -> int:
    with it.platform.database.read() as c:
        assert not reconcile(c)
    return it.balance()[0]


def test_avatars_are_listed_with_their_ids_and_names(it: Running) -> None:
    found = it.get(f"{PREFIX}/all_avatars")
    assert [avatar["name"] for avatar in found] == ["Ava", "Noah"]
    assert found[0]["_id"] == found[0]["id"] == AVATAR and found[0]["preview_url"].startswith("http")


def test_a_token_has_the_fields_of_a2e(it: Running, stage: StageDouble, clock: ManualClock) -> None:
    room = book(it)
    assert {"token", "appId", "channel", "expire_epoch_timestamp", "expire_date_UTC", "uid"} <= set(room)
    assert room["expire_epoch_timestamp"] == clock.now_ms() / 1000 + 60
    assert isinstance(room["expire_epoch_timestamp"], float)
    moment = datetime.strptime(room["expire_date_UTC"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert moment.timestamp() == room["expire_epoch_timestamp"]
    assert len(room["appId"]) == 32 and int(room["appId"], 16)
    assert len(room["channel"]) == 5 and int(room["channel"], 16) >= 0
    token, _, _ = tokens.parse(room["token"])
    assert (token.uid, token.channel, token.app_id) == (str(room["uid"]), room["channel"], room["appId"])
    assert token.privileges == {tokens.Privilege.JOIN: 60}
    assert token.expires_s == room["expire_epoch_timestamp"]
    assert coins(it) == COINS - 12


def test_the_stage_is_told_all_of_the_room(it: Running, stage: StageDouble) -> None:
    room = book(
        it,
        **{"resolution": 360, "shape": "16:9", "emotion": "happy", "microphone": True, "qa_context": "Open from 9."},
        **{"record": True, "transparent": True},
    )
    spec = next(iter(stage.rooms.values())).spec
    assert (spec.transparent, spec.package_key, spec.model_key) == (True, "", "")
    assert (spec.channel, spec.owner, spec.token_uid, spec.booked_s) == (room["channel"], it.user_id, room["uid"], 60)
    assert (spec.source, spec.gender, spec.resolution, spec.shape, spec.emotion) == (
        "ava",
        "female",
        360,
        "16:9",
        "happy",
    )
    assert (spec.microphone, spec.record, spec.context) == (True, True, "Open from 9.")
    assert spec.voice.name.startswith("hibari") and spec.language == "en-US" and spec.voice.live
    token, _, _ = tokens.parse(room["token"])
    assert token.privileges == {tokens.Privilege.JOIN: 60, tokens.Privilege.PUBLISH_AUDIO: 60}


@pytest.mark.parametrize(("seconds", "price"), [(1, 1), (5, 1), (6, 2), ("60", 12), (60.0, 12), (7200, 1440)])
def test_time_is_held_in_begun_units(it: Running, stage: StageDouble, seconds: Any, price: int) -> None:
    if price > COINS:
        assert book(it, seconds)["status"] == 402
        return
    room = book(it, seconds)
    assert room["coins"] == price and coins(it) == COINS - price


@pytest.mark.parametrize("seconds", [0, -1, -60, 60.5, 7201, 10**12, 10**30, "soon", "", None, True, [60], {}, "60.5"])
def test_times_that_are_none_are_refused_with_a_sentence(it: Running, stage: StageDouble, seconds: Any) -> None:
    refused = book(it, seconds)
    assert refused["status"] == 400 and "seconds" in refused["message"] or "number" in refused["message"]
    assert coins(it) == COINS and not stage.rooms


def test_a_missing_time_is_refused(it: Running, stage: StageDouble) -> None:
    refused = it.post(f"{PREFIX}/agora-token", {"avatar_id": AVATAR})
    assert refused["status"] == 400 and "`expire_seconds` is missing" in refused["message"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"avatar_id": "64f0c0ffee0000000000a001"}, "avatar_not_found"),
        ({"voice_id": "none"}, "voice_not_found"),
        ({"background_id": "none"}, "background_not_found"),
        ({"background_color": "octarine"}, "colour_unknown"),
        ({"background_color": "#fff", "background_id": "x"}, "two_grounds"),
        ({"background_color": "#fff", "transparent": True}, "two_grounds"),
        ({"emotion": "furious"}, "bad_emotion"),
        ({"shape": "1:9"}, "bad_shape"),
        ({"resolution": 2160}, "bad_resolution"),
        ({"speech_rate": 9}, "bad_speech_rate"),
        ({"language": "tlh"}, "no_voice_for_language"),
        ({"language": "?"}, "bad_locale"),
        ({"qa_context": "x" * 5001}, "context_too_long"),
    ],
)
def test_choices_that_do_not_exist_cost_nothing(it: Running, stage: StageDouble, more: Any, reason: str) -> None:
    refused = book(it, **more)
    assert refused["reason"] == reason and refused["status"] in (400, 404)
    assert coins(it) == COINS and not stage.rooms


def test_too_few_coins(it: Running, stage: StageDouble) -> None:
    refused = book(it, 7000)
    assert (refused["status"], refused["reason"]) == (402, "too_few_coins")
    assert "1400" in refused["message"] and str(COINS) in refused["message"]
    assert coins(it) == COINS and not stage.rooms


def test_leaving_gives_back_what_was_not_used(it: Running, stage: StageDouble, clock: ManualClock) -> None:
    room = book(it)
    room_id = next(iter(stage.rooms))
    clock.advance(3)
    it.platform.rooms.note_joined(room_id)
    clock.advance(11)
    report = it.post(f"{PREFIX}/leave", {"channel": room["channel"]})
    assert (report["reason"], report["used_s"], report["units"]) == ("left", 11.0, 3)
    assert (report["held"], report["charged"], report["refunded"]) == (12, 3, 9)
    assert "3 begun units of 5 seconds" in report["why"] and "3 coins" in report["why"]
    assert coins(it) == COINS - 3
    clock.advance(100)
    assert it.post(f"{PREFIX}/leave", {"channel": room["channel"].upper()}) == report, "leaving twice is leaving once"
    assert coins(it) == COINS - 3


def test_a_room_that_nobody_joined_costs_nothing(it: Running, stage: StageDouble, clock: ManualClock) -> None:
    room = book(it)
    clock.advance(30)
    report = it.post(f"{PREFIX}/leave", {"channel": room["channel"]})
    assert (report["charged"], report["refunded"], report["joinedAt"]) == (0, 12, None)
    assert coins(it) == COINS


def test_one_can_leave_when_the_stage_is_dead(it: Running, stage: StageDouble, clock: ManualClock) -> None:
    room = book(it)
    it.platform.rooms.note_joined(next(iter(stage.rooms)))
    stage.stop()
    clock.advance(4)
    report = it.post(f"{PREFIX}/leave", {"channel": room["channel"]})
    assert (report["reason"], report["charged"]) == ("left", 1)
    assert coins(it) == COINS - 1


def test_context_is_set_and_read(it: Running, stage: StageDouble) -> None:
    channel = book(it)["channel"]
    assert it.get(f"{PREFIX}/get-qa-context?channel={channel}") == {"channel": channel, "text": ""}
    text = "Wir öffnen um 9.\n营业时间"
    assert it.post(f"{PREFIX}/set-qa-context", {"channel": channel, "text": text})["characters"] == len(text)
    assert it.get(f"{PREFIX}/get-qa-context?channel={channel}")["text"] == text
    assert next(iter(stage.rooms.values())).told == [("context", {"text": text})]
    assert it.post(f"{PREFIX}/set-qa-context", {"channel": channel, "text": "x" * 5000})["characters"] == 5000
    refused = it.post(f"{PREFIX}/set-qa-context", {"channel": channel, "text": "x" * 5001})
    assert (refused["status"], refused["reason"]) == (400, "context_too_long")
    assert len(it.get(f"{PREFIX}/get-qa-context?channel={channel}")["text"]) == 5000


def test_speak_and_ask_reach_the_stage(it: Running, stage: StageDouble) -> None:
    channel = book(it)["channel"]
    said = it.post(f"{PREFIX}/speak", {"channel": channel, "text": "Hello."})
    asked = it.post(f"{PREFIX}/ask", {"channel": channel, "text": "When?", "command_id": "mine-1"})
    assert said["position"] == 0 and len(said["command_id"]) == 24
    assert asked["position"] == 1 and asked["command_id"] == "mine-1"
    (first, speaking), (second, asking) = next(iter(stage.rooms.values())).told
    assert (first, speaking["text"], speaking["voice"], speaking["interrupt"]) == ("speak", "Hello.", None, False)
    assert (second, asking["text"], asking["command_id"]) == ("ask", "When?", "mine-1")


@pytest.mark.parametrize(
    ("call", "body", "status", "reason"),
    [
        ("speak", {"text": ""}, 400, "nothing_to_say"),
        ("speak", {"text": "  \n"}, 400, "nothing_to_say"),
        ("speak", {}, 400, "nothing_to_say"),
        ("speak", {"text": "a", "audio_url": "https://a.example/b.wav"}, 400, "nothing_to_say"),
        ("speak", {"text": "x" * 100_000}, 413, "text_too_long"),
        ("speak", {"text": "a", "emotion": "furious"}, 400, "bad_emotion"),
        ("speak", {"text": "a", "voice_id": "none"}, 404, "voice_not_found"),
        ("speak", {"text": "a", "strength": 3}, 400, "invalid_request"),
        ("speak", {"text": "a", "command_id": "a b\n"}, 400, "invalid_request"),
        ("ask", {"text": " "}, 400, "empty_text"),
        ("ask", {}, 400, "invalid_request"),
        ("ask", {"text": "x" * 100_000}, 413, "text_too_long"),
        ("listening", {"on": "perhaps"}, 400, "invalid_request"),
    ],
)
def test_what_cannot_be_said_is_refused(
    it: Running, stage: StageDouble, call: str, body: Any, status: int, reason: str
) -> None:
    channel = book(it)["channel"]
    refused = it.post(f"{PREFIX}/{call}", {"channel": channel, **body})
    assert (refused["status"], refused["reason"]) == (status, reason), refused
    assert not next(iter(stage.rooms.values())).told


def test_what_a_stage_refuses_is_passed_on(it: Running, stage: StageDouble) -> None:
    channel = book(it)["channel"]
    before = it.get(f"{PREFIX}/session?channel={channel}")
    words = {"reason": "not_joined", "message": "Nobody is in the room yet.", "retry_after_s": 2}
    stage.refusal = (409, words)
    for call in ("speak", "ask", "interrupt", "set-qa-context"):
        refused = it.post(f"{PREFIX}/{call}", {"channel": channel, "text": "Hello."})
        assert (refused["status"], refused["reason"]) == (409, "not_joined")
        assert refused["message"] == words["message"]
    stage.refusal = None
    assert it.get(f"{PREFIX}/session?channel={channel}") == before


STEERING: dict[str, dict[str, Any]] = {
    "speak": {"text": "a"},
    "ask": {"text": "a"},
    "interrupt": {},
    "extend": {"seconds": 5},
    "listening": {"on": True},
    "microphone": {"on": True},
    "set-qa-context": {"text": "a"},
}


@pytest.mark.parametrize("call", STEERING)
def test_rooms_of_others_ended_and_unknown(it: Running, stage: StageDouble, call: str) -> None:
    channel = book(it)["channel"]
    balance = coins(it)
    theirs = it.post(f"{PREFIX}/{call}", {"channel": channel, **STEERING[call]}, **it.other)
    unknown = it.post(f"{PREFIX}/{call}", {"channel": "fffff0", **STEERING[call]})
    assert (theirs["status"], theirs["reason"]) == (unknown["status"], unknown["reason"]) == (404, "room_not_found")
    it.post(f"{PREFIX}/leave", {"channel": channel})
    ended = it.post(f"{PREFIX}/{call}", {"channel": channel, **STEERING[call]})
    assert (ended["status"], ended["reason"]) == (409, "room_ended")
    assert coins(it) == balance + 12


def test_nobody_can_end_or_see_a_room_of_somebody_else(it: Running, stage: StageDouble) -> None:
    channel = book(it)["channel"]
    assert it.post(f"{PREFIX}/leave", {"channel": channel}, **it.other)["status"] == 404
    for call in ("session", "events", "get-qa-context", "ice-servers"):
        assert it.get(f"{PREFIX}/{call}?channel={channel}", **it.other)["status"] == 404
    assert it.get(f"{PREFIX}/session?channel={channel}")["state"] == "booked"


def test_extending_holds_more_and_gives_a_longer_token(it: Running, stage: StageDouble, clock: ManualClock) -> None:
    room = book(it, 60)
    clock.advance(10)
    longer = it.post(f"{PREFIX}/extend", {"channel": room["channel"], "seconds": 33})
    assert longer["expire_epoch_timestamp"] == room["expire_epoch_timestamp"] + 33
    assert longer["coins"] == 19 and coins(it) == COINS - 19
    assert tokens.parse(longer["token"])[0].expires_s == longer["expire_epoch_timestamp"]
    told = next(iter(stage.rooms.values())).told
    assert told == [("extend", {"expires_ms": round(longer["expire_epoch_timestamp"] * 1000)})]
    for seconds in (0, -5, 7200, "x", 1.5, None):
        refused = it.post(f"{PREFIX}/extend", {"channel": room["channel"], "seconds": seconds})
        assert refused["status"] == 400, refused
    assert it.post(f"{PREFIX}/extend", {"channel": room["channel"], "seconds": 7000})["status"] == 402
    assert coins(it) == COINS - 19
    report = it.post(f"{PREFIX}/leave", {"channel": room["channel"]})
    assert (report["booked_s"], report["held"], report["refunded"]) == (93, 19, 19)
    assert coins(it) == COINS


def test_the_same_key_answers_the_same_room_and_costs_once(it: Running, stage: StageDouble) -> None:
    wanted = {"avatar_id": AVATAR, "expire_seconds": 60}
    first, again = (it.post(f"{PREFIX}/agora-token", wanted, Idempotency_Key="k1") for _ in range(2))
    assert (again["channel"], again["uid"]) == (first["channel"], first["uid"]) and len(stage.rooms) == 1
    other = it.post(f"{PREFIX}/agora-token", wanted | {"expire_seconds": 61}, Idempotency_Key="k1")
    assert (other["status"], other["reason"]) == (409, "idempotency_key_reused") and coins(it) == COINS - 12
    more = {"channel": first["channel"], "seconds": 30}
    longer = [it.post(f"{PREFIX}/extend", more, Idempotency_Key="e1")["coins"] for _ in range(3)]
    assert longer == [18, 18, 18] and coins(it) == COINS - 18
    it.post(f"{PREFIX}/leave", {"channel": first["channel"]})
    ended = it.post(f"{PREFIX}/agora-token", wanted, Idempotency_Key="k1")
    assert ended["channel"] == first["channel"] and len(stage.rooms) == 1 and coins(it) == COINS


def test_a_booking_that_found_no_stage_may_be_made_again_with_its_key(it: Running) -> None:
    wanted = {"avatar_id": AVATAR, "expire_seconds": 60}
    with stages(it.platform) as (stage,):
        stage.refusal = (503, {"reason": "stage_full", "message": "Full."})
        assert it.post(f"{PREFIX}/agora-token", wanted, Idempotency_Key="k")["status"] == 503
        stage.refusal = None
        room = it.post(f"{PREFIX}/agora-token", wanted, Idempotency_Key="k")
        assert [opened.spec.channel for opened in stage.rooms.values()] == [room["channel"]]
    assert coins(it) == COINS - 12


def test_a_session_tells_what_it_cost_and_why(it: Running, stage: StageDouble, clock: ManualClock) -> None:
    first, second = book(it), book(it, 30)
    it.platform.rooms.note_joined(next(iter(stage.rooms)))
    clock.advance(7)
    now = it.get(f"{PREFIX}/session?channel={first['channel']}")
    assert (now["state"], now["charged"], now["refunded"]) == ("live", 2, 0) and now["live"]["speaking"] is True
    it.post(f"{PREFIX}/leave", {"channel": first["channel"]})
    listed = it.get(f"{PREFIX}/sessions?pageSize=1&pageNum=2")
    assert listed["count"] == 2 and len(listed["rows"]) == 1
    every = {row["channel"]: row for row in it.get(f"{PREFIX}/sessions")["rows"]}
    assert every[first["channel"]]["charged"] == 2 and every[second["channel"]]["state"] == "booked"
    assert it.get(f"{PREFIX}/session?channel={first['channel']}")["live"] is None
    assert it.get(f"{PREFIX}/sessions", **it.other)["count"] == 0


def test_a_recording_is_in_the_report(it: Running, stage: StageDouble) -> None:
    room = book(it, record=True)
    room_id = next(iter(stage.rooms))
    key = f"results/{it.user_id}/{room_id}/room.mp4"
    it.platform.storage.put(key, b"film", owner=it.user_id, media_type="video/mp4", expires_ms=None)
    it.platform.rooms.note_recording(room_id, key)
    report = it.post(f"{PREFIX}/leave", {"channel": room["channel"]})
    assert it.download(report["recording_url"]) == b"film"


def test_no_stage_is_said_and_costs_nothing(it: Running) -> None:
    refused = book(it)
    assert (refused["status"], refused["reason"]) == (503, "no_stage") and coins(it) == COINS


def test_a_stage_that_does_not_answer_is_passed_over(it: Running, clock: ManualClock) -> None:
    with stages(it.platform, 2) as (first, second):
        first.stop()
        room = book(it)
        assert [open_room.spec.channel for open_room in second.rooms.values()] == [room["channel"]]
        assert coins(it) == COINS - 12
        second.stop()
        clock.advance(1)
        refused = book(it)
        assert (refused["status"], refused["reason"]) == (503, "stage_away") and coins(it) == COINS - 12
        rows = it.get(f"{PREFIX}/sessions")["rows"]
        assert [(row["state"], row["reason"]) for row in rows] == [("ended", "stage_lost"), ("booked", "")]


def test_a_stage_that_cannot_open_the_room_is_passed_over(it: Running) -> None:
    with stages(it.platform, 2) as (first, second):
        first.refusal = (503, {"reason": "stage_full", "message": "Full."})
        room = book(it)
        assert next(iter(second.rooms.values())).spec.channel == room["channel"] and not first.rooms


def test_when_all_rooms_are_taken_there_is_a_line(it: Running, clock: ManualClock) -> None:
    with stages(it.platform, places=1.0) as (stage,):
        first = book(it, 60)
        full = book(it, 60)
        assert (full["status"], full["reason"]) == (503, "rooms_full") and coins(it) == COINS - 12
        line = full["data"]
        assert line["place"] == 1 and 1 <= line["expected_wait_s"] <= 60 and len(line["ticket"]) == 24
        other = it.post(f"{PREFIX}/agora-token", {"avatar_id": AVATAR, "expire_seconds": 60}, **it.other)
        assert other["data"]["place"] == 2 and other["data"]["expected_wait_s"] > line["expected_wait_s"]
        clock.advance(5)
        stage.register()
        assert book(it, 60, ticket=line["ticket"])["data"] | {"expected_wait_s": 0} == line | {"expected_wait_s": 0}
        it.post(f"{PREFIX}/leave", {"channel": first["channel"]})
        ticket = {"ticket": other["data"]["ticket"]}
        wanted = {"avatar_id": AVATAR, "expire_seconds": 60}
        assert it.post(f"{PREFIX}/agora-token", wanted | ticket, **it.other)["reason"] == "rooms_full", "not yet"
        assert book(it, 60, ticket=line["ticket"])["channel"]


def test_a_user_has_so_many_rooms_and_no_more(tmp_path: Path) -> None:
    with running(tmp_path, live_user_rooms=2) as it, stages(it.platform, places=9.0):
        book(it), book(it)
        refused = book(it)
        assert (refused["status"], refused["reason"]) == (429, "too_many_rooms") and coins(it) == COINS - 24


def test_keys_need_the_scope_of_streaming(it: Running, stage: StageDouble) -> None:
    narrow = it.platform.accounts.create_key(it.user_id, scopes={Scope.READ})[1]
    wide = it.platform.accounts.create_key(it.user_id, scopes={Scope.STREAMING})[1]
    body = {"avatar_id": AVATAR, "expire_seconds": 5}
    assert it.post(f"{PREFIX}/agora-token", body, Authorization=f"Bearer {narrow}")["reason"] == "scope_missing"
    assert it.post(f"{PREFIX}/agora-token", body, Authorization=f"Bearer {wide}")["channel"]


def test_ice_servers_come_with_credentials(tmp_path: Path) -> None:
    servers = ["stun:stun.example:3478", "turn:turn.example:3478"]
    with running(tmp_path, ice_servers=servers, turn_secret="north") as it, stages(it.platform):
        found = it.get(f"{PREFIX}/ice-servers?channel={book(it)['channel']}")
        assert found[0]["urls"] == ["stun:stun.example:3478"]
        assert found[1]["username"] and found[1]["credential"]


def test_a_room_ended_by_an_operator_says_so(it: Running, stage: StageDouble) -> None:
    channel = book(it)["channel"]
    it.platform.rooms.end(next(iter(stage.rooms)), EndReason.REMOVED)
    assert it.get(f"{PREFIX}/session?channel={channel}")["reason"] == "removed"
    assert it.post(f"{PREFIX}/leave", {"channel": channel})["reason"] == "removed"
