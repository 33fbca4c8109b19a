"""Parts of the browser module, each alone in a real browser, with a server that is played by the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page, Route

from avatarium.streaming import tokens
from tests.support.chromium import HOST, launched, sdk_page

ANSWER_HEADERS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*"}
JOIN = """async (uid) => {
    const { AgoraRTC } = await import("/sdk/agora.js");
    const client = AgoraRTC.createClient({ mode: "live", codec: "vp8" });
    const problem = await client.join("app", "a1b2c", "007token", uid).catch((e) => e);
    return { code: problem.code, message: problem.message, data: problem.data, state: client.connectionState };
}"""


@pytest.fixture(scope="module")
def browser(chromium: BrowserType) -> Iterator[Browser]:
    with launched(chromium) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with sdk_page(browser) as opened:
        yield opened


def test_a_room_token_is_read_as_it_was_made(page: Page) -> None:
    credentials = tokens.Credentials(app_id="0" * 29 + "abc", certificate="f" * 32)
    token = tokens.viewer_token(
        credentials, channel="a1b2c", uid=360923290, issued_s=1735786878, valid_s=60, microphone=False
    )
    heard = tokens.viewer_token(credentials, channel="a1b2c", uid=7, issued_s=1735786878, valid_s=60, microphone=True)
    read = "(token) => import('/sdk/token.js').then(({ readToken }) => readToken(token))"
    assert page.evaluate(read, token) == {
        **{"appId": credentials.app_id, "issuedS": 1735786878, "endsS": 1735786938},
        **{"channel": "a1b2c", "uid": 360923290, "mayPublish": False},
    }
    assert page.evaluate(read, heard)["mayPublish"] is True
    for broken in ("", "007", "007!!", token[:-9], "006" + token[3:40]):
        assert page.evaluate(read, broken) is None


def test_a_handler_that_throws_disturbs_nobody(page: Page) -> None:
    heard = page.evaluate("""async () => {
        const { Emitter } = await import("/sdk/emitter.js");
        const emitter = new Emitter(), heard = [];
        emitter.on("x", () => { throw new Error("mine"); });
        emitter.on("x", async () => { throw new Error("mine, later"); });
        emitter.on("x", (value) => heard.push(value));
        emitter.once("x", (value) => heard.push(`once ${value}`));
        emitter.emit("x", 1);
        emitter.emit("x", 2);
        emitter.removeAllListeners();
        emitter.emit("x", 3);
        return heard;
    }""")
    assert heard == [1, "once 1", 2]


def test_what_must_not_be_missed_waits_for_a_late_handler(page: Page) -> None:
    heard = page.evaluate("""async () => {
        const { Emitter } = await import("/sdk/emitter.js");
        const emitter = new Emitter(), heard = [];
        emitter.emit("lost", 0);
        emitter.emitWhenHeard("kept", 1);
        emitter.emitWhenHeard("kept", 2);
        emitter.on("lost", (value) => heard.push(value));
        emitter.on("kept", (value) => heard.push(value));
        heard.push("after on");
        await new Promise((resolve) => setTimeout(resolve, 20));
        emitter.emitWhenHeard("kept", 3);
        return heard;
    }""")
    assert heard == ["after on", 1, 2, 3]


def test_relays_are_read_from_the_header(page: Page) -> None:
    header = (
        '<stun:stun.example:3478>; rel="ice-server", <turn:turn.example:3478?transport=udp>; rel="ice-server"; '
        'username="17357:a1b2c"; credential="a,b;c=="; credential-type="password", <https://x.example>; rel="next"'
    )
    servers = page.evaluate("(link) => import('/sdk/sdp.js').then(({ iceServersOf }) => iceServersOf(link))", header)
    assert servers == [
        {"urls": "stun:stun.example:3478"},
        {"urls": "turn:turn.example:3478?transport=udp", "username": "17357:a1b2c", "credential": "a,b;c=="},
    ]


def test_an_ice_restart_changes_credentials_and_candidates_only(page: Page) -> None:
    answer = "\r\n".join([
        *["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=ice-ufrag:old1", "a=ice-pwd:oldpassword"],
        *["a=candidate:1 1 udp 1 192.0.2.1 1 typ host", "a=end-of-candidates", "a=setup:active"],
        *["m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1", "a=ice-ufrag:old1", "a=ice-pwd:oldpassword", ""],
    ])  # fmt: skip
    part = "\r\n".join([
        *["a=ice-ufrag:new2", "a=ice-pwd:newpassword", "m=audio 9 X 0", "a=mid:0"],
        *["a=candidate:2 1 udp 1 192.0.2.2 2 typ host", ""],
    ])  # fmt: skip
    made: str = page.evaluate(
        "([answer, part]) => import('/sdk/sdp.js').then(({ withNewIce }) => withNewIce(answer, part))", [answer, part]
    )
    lines = made.split("\r\n")
    assert lines.count("a=ice-ufrag:new2") == lines.count("a=ice-pwd:newpassword") == 2
    assert [line for line in lines if "candidate" in line] == ["a=candidate:2 1 udp 1 192.0.2.2 2 typ host"]
    assert "old" not in made and lines[0] == "v=0" and "a=setup:active" in lines


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "room_token_expired"), (404, "room_not_found"), (410, "room_over")]
)
def test_join_says_what_the_server_says(page: Page, status: int, reason: str) -> None:
    asked: list[Route] = []

    def refuse(route: Route) -> None:
        asked.append(route)
        sentence = {"code": status, "message": "The sentence of the server.", "reason": reason}
        route.fulfill(status=status, json=sentence, headers=ANSWER_HEADERS)

    page.route(f"{HOST}/whep/**", refuse)
    problem = page.evaluate(JOIN, 5)
    assert problem["code"] == "CAN_NOT_GET_GATEWAY_SERVER"
    assert problem["message"].endswith("The sentence of the server.")
    assert problem["data"] == {"status": status, "reason": reason, "retryAfter": 0}
    assert problem["state"] == "DISCONNECTED"
    assert len(asked) == 1, "what cannot change is not tried again"
    assert asked[0].request.headers["authorization"] == "Bearer 007token"
    assert asked[0].request.headers["content-type"] == "application/sdp"


def test_a_server_that_is_busy_is_asked_again(page: Page) -> None:
    asked: list[int] = []

    def refuse(route: Route) -> None:
        asked.append(1)
        route.fulfill(status=503, json={"message": "Try again."}, headers=ANSWER_HEADERS)

    page.route(f"{HOST}/whep/**", refuse)
    assert page.evaluate(JOIN, None)["data"]["status"] == 503
    assert len(asked) == 3


def test_a_server_out_of_reach_is_a_network_error(page: Page) -> None:
    page.route(f"{HOST}/whep/**", lambda route: route.abort())
    problem = page.evaluate(JOIN, 5)
    assert problem["code"] == "NETWORK_ERROR"
    assert HOST in problem["message"]


@pytest.mark.parametrize(
    "given",
    [
        '"", "a1b2c", "007", 1',
        '"app", "", "007", 1',
        '"app", "a1b2c", null, 1',
        '"app", "a1b2c", "007", 1.5',
        '"app", "a1b2c", "007", -1',
        '"app", 17, "007", 1',
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_sent(page: Page, given: str) -> None:
    code = page.evaluate(f"""async () => {{
        const {{ AgoraRTC }} = await import("/sdk/agora.js");
        return AgoraRTC.createClient({{ mode: "live", codec: "vp8" }}).join({given}).catch((e) => [e.code, e.name]);
    }}""")
    assert code == ["INVALID_PARAMS", "AgoraRTCException"]


def test_leaving_stops_a_join(page: Page) -> None:
    page.route(f"{HOST}/whep/**", lambda route: None)  # no answer ever
    outcome = page.evaluate("""async () => {
        const { AgoraRTC } = await import("/sdk/agora.js");
        const client = AgoraRTC.createClient({ mode: "live", codec: "vp8" });
        const states = [];
        client.on("connection-state-change", (now, before, reason) => states.push([now, reason || null]));
        const joining = client.join("app", "a1b2c", "007", 1).catch((e) => e.code);
        const again = await client.join("app", "a1b2c", "007", 1).catch((e) => e.code);
        setTimeout(() => client.leave(), 100);
        return { joining: await joining, again, states, users: client.remoteUsers.length };
    }""")
    assert outcome == {
        "joining": "OPERATION_ABORTED",
        "again": "INVALID_OPERATION",
        "states": [["CONNECTING", None], ["DISCONNECTING", "LEAVE"], ["DISCONNECTED", "LEAVE"]],
        "users": 0,
    }


def test_outside_a_room_nothing_can_be_subscribed_or_published(page: Page) -> None:
    codes = page.evaluate("""async () => {
        const { AgoraRTC } = await import("/sdk/agora.js");
        const client = AgoraRTC.createClient({ mode: "live", codec: "vp8" });
        const track = await AgoraRTC.createMicrophoneAudioTrack();
        const code = (promise) => promise.then(() => "", (e) => e.code);
        const codes = [
            await code(client.subscribe({ uid: 1 }, "video")), await code(client.publish([track])),
            await code(client.unsubscribe({ uid: 9 })), await code(client.renewToken("007")),
            await code(client.setClientRole("king")), await code(client.leave()),
            await code(AgoraRTC.createCameraVideoTrack()),
        ];
        track.close();
        return codes;
    }""")
    assert codes == [
        *["INVALID_OPERATION", "INVALID_OPERATION", "INVALID_REMOTE_USER", "INVALID_OPERATION", "INVALID_PARAMS"],
        *["", "NOT_SUPPORTED"],
    ]


def test_a_microphone_is_muted_let_go_taken_again_and_closed(page: Page) -> None:
    seen: dict[str, Any] = page.evaluate("""async () => {
        const { AgoraRTC } = await import("/sdk/agora.js");
        const wanted = [];
        const native = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = (constraints) => {
            wanted.push(constraints.audio.echoCancellation);
            return native(constraints);
        };
        const track = await AgoraRTC.createMicrophoneAudioTrack();
        const first = track.getMediaStreamTrack();
        await track.setMuted(true);
        const muted = first.enabled;
        await track.setMuted(false);
        await track.setEnabled(false);
        const off = first.readyState;
        await track.setEnabled(true);
        const second = track.getMediaStreamTrack();
        track.setVolume(50);
        const louder = track.getMediaStreamTrack() !== second;
        let loudest = 0;
        for (let i = 0; i < 40 && !loudest; i += 1) {
            loudest = track.getVolumeLevel();
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
        track.close();
        const closed = await track.setEnabled(true).catch((e) => e.code);
        const again = second !== first && second.readyState;
        return { muted, off, again, louder, loudest, closed, echo: wanted };
    }""")
    assert 0 < seen.pop("loudest") <= 1
    assert seen == {
        **{"muted": False, "off": "ended", "again": "ended", "louder": True},
        **{"closed": "TRACK_IS_INVALID", "echo": [True, True]},
    }


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("NotAllowedError", "PERMISSION_DENIED"),
        ("NotFoundError", "DEVICE_NOT_FOUND"),
        ("NotReadableError", "NOT_READABLE"),
        ("OverconstrainedError", "CONSTRAINT_NOT_SATISFIED"),
    ],
)
def test_a_refused_microphone_has_the_code_of_the_sdk(page: Page, name: str, code: str) -> None:
    found = page.evaluate(
        """async (name) => {
        const { AgoraRTC } = await import("/sdk/agora.js");
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", name));
        return AgoraRTC.createMicrophoneAudioTrack().catch((e) => e.code);
    }""",
        name,
    )
    assert found == code


def test_settings_are_checked(page: Page) -> None:
    seen = page.evaluate("""async () => {
        const { AgoraRTC } = await import("/sdk/agora.js");
        const code = (work) => { try { work(); return ""; } catch (e) { return e.code; } };
        const codes = [
            code(() => AgoraRTC.setServer("::nonsense::")),
            code(() => AgoraRTC.setParameter("TRANSPORT", "pigeon")),
            code(() => AgoraRTC.setParameter("CONNECT_TIMEOUT_MS", "soon")),
            code(() => AgoraRTC.setParameter("SOMETHING", 1)),
            code(() => AgoraRTC.createClient({ mode: "dead", codec: "vp8" })),
        ];
        const own = AgoraRTC.getServer();
        AgoraRTC.setServer("https://avatars.example/");
        const works = AgoraRTC.checkSystemRequirements();
        return { codes, own, server: AgoraRTC.getServer(), works, codecs: await AgoraRTC.getSupportedCodec() };
    }""")
    assert seen["codes"] == ["INVALID_PARAMS", "INVALID_PARAMS", "INVALID_PARAMS", "", "INVALID_PARAMS"]
    assert (seen["own"], seen["server"], seen["works"]) == (HOST, "https://avatars.example", True)
    assert "VP8" in seen["codecs"]["video"] and seen["codecs"]["audio"] == ["OPUS"]
