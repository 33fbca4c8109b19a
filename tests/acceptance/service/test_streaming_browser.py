"""Rooms of a real service in a real browser: A2E's sample, the module, the demo page, the network page."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, ConsoleMessage, Page, Route

from tests.acceptance.service.conftest import READY_S, Service, end, make_service, wait_until
from tests.support.chromium import NO_AUTOPLAY, NO_UDP, launched
from tests.support.web import web as web

pytestmark = pytest.mark.long

SAMPLE = Path(__file__).parent / "pages" / "a2e-viewer.js"
SENTENCE = "My mother may buy a bump map before Monday, and maybe we will walk home by the bay."
"""Full of sounds that open and close the lips."""
PATIENCE_MS = READY_S * 1000
HOOK = """
window.peers = [];
const Native = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Native { constructor(...given) { super(...given); peers.push(this); } };
window.inbound = async (kind) => {
    let found = null;
    (await peers.at(-1).getStats()).forEach((entry) => { if (entry.type === "inbound-rtp" && entry.kind === kind) found = entry; });
    return found;
};
"""  # noqa: E501
LIPS = """async ([selector, frames]) => {
    const video = document.querySelector(selector);
    const side = 64, canvas = document.createElement("canvas");
    canvas.width = canvas.height = side;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const shares = [];
    while (shares.length < frames) {
        await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
        const { videoWidth: w, videoHeight: h } = video;
        context.drawImage(video, 0.43 * w, 0.5 * h, 0.14 * w, 0.1 * h, 0, 0, side, side);
        const pixels = context.getImageData(0, 0, side, side).data;
        shares.push(pixels.filter((value, i) => i % 4 === 0 && value < 95).length / (side * side));
    }
    return shares;
}"""
"""How much of the place where Ava's mouth is lies in the dark, frame by frame: between closed lips nothing does."""
WATCH = """async ([server, room, parameters]) => {
    const { default: AgoraRTC } = await import(`${server}/agora-rtc.js`);
    for (const [name, value] of Object.entries(parameters)) AgoraRTC.setParameter(name, value);
    window.AgoraRTC = AgoraRTC;
    window.client = AgoraRTC.createClient({ mode: "live", codec: "vp8" });
    window.told = [];
    AgoraRTC.onAutoplayFailed = () => told.push(["autoplay-failed"]);
    for (const name of ["user-joined", "user-unpublished", "user-left", "transport-change"]) {
        client.on(name, (...given) => told.push([name, ...given.map((one) => (one && one.uid) || one)]));
    }
    client.on("connection-state-change", (now, before, reason) => told.push(["state", now, reason || ""]));
    client.on("stream-message", (uid, bytes) => told.push(["message", uid, JSON.parse(new TextDecoder().decode(bytes))]));
    client.on("avatar-event", (event) => told.push(["event", event.type]));
    const uid = await client.join(room.appId, room.channel, room.token, room.uid);
    const place = document.body.appendChild(document.createElement("div"));
    place.id = "place";
    Object.assign(place.style, { width: "320px", height: "240px" });
    client.on("user-published", async (user, kind) => {
        const track = await client.subscribe(user, kind);
        told.push(["published", kind]);
        if (kind === "video") track.play("place", { fit: "contain" });
        else track.play();
    });
    return uid;
}"""  # noqa: E501


class House:
    """The service with a stage, and its owner's key."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.key = service.key

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.service.address}/api/v1/streaming-avatar/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())["data"]

    def book(self, **wanted: Any) -> dict[str, Any]:
        """A room; waits for a place while the stage measures itself or earlier rooms end."""
        body = {"avatar_id": self.call("all_avatars")[0]["_id"], "expire_seconds": 300, "microphone": True, **wanted}
        until_s = time.monotonic() + READY_S
        while True:
            try:
                booked: dict[str, Any] = self.call("agora-token", body)
                return booked
            except urllib.error.HTTPError as refusal:
                with refusal:
                    assert refusal.code == 503 and time.monotonic() < until_s, refusal.read()
                time.sleep(1)

    def speak(self, room: dict[str, Any], text: str = SENTENCE) -> None:
        self.call("speak", {"channel": room["channel"], "text": text})

    @contextmanager
    def room(self, **wanted: Any) -> Iterator[dict[str, Any]]:
        """A room that is left afterwards."""
        booked = self.book(**wanted)
        try:
            yield booked
        finally:
            self.call("leave", {"channel": booked["channel"]})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    service = make_service(tmp_path_factory.mktemp("live") / "home")
    try:
        service.start(AVATARIUM_STAGES="1").until_ready()
        yield House(service)
    finally:
        end(service)


@pytest.fixture(scope="module")
def browser(house: House, chromium: BrowserType) -> Iterator[Browser]:
    with launched(chromium) as opened:
        yield opened


@contextmanager
def page_of(browser: Browser, address: str, **context: Any) -> Iterator[Page]:
    """A page; the test fails where its script does."""
    opened = browser.new_context(**context)
    page = opened.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    page.add_init_script(HOOK)
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    try:
        yield page
        assert not problems
    finally:
        opened.close()


@contextmanager
def watching(house: House, browser: Browser, room: dict[str, Any], **parameters: Any) -> Iterator[Page]:
    """The demo page, used only for its origin, with a client of the module in a room."""
    with page_of(browser, f"{house.service.address}/live") as page:
        assert page.evaluate(WATCH, [house.service.address, room, parameters]) == room["uid"]
        yield page


def until(page: Page, condition: str) -> None:
    """Wait for an expression of the page to hold."""
    page.wait_for_function(f"() => {condition}", timeout=PATIENCE_MS)


def told(page: Page, *entry: Any) -> None:
    """Wait for a note of the client that begins so."""
    beginning = json.dumps(json.dumps(list(entry), separators=(",", ":")).rstrip("]}"))
    until(page, f"told.some((entry) => JSON.stringify(entry).startsWith({beginning}))")


def picture_flows(page: Page) -> None:
    """Wait until the picture moves on."""
    until(page, "document.querySelector('#place video') && document.querySelector('#place video').currentTime > 0")
    begun = page.evaluate("document.querySelector('#place video').getVideoPlaybackQuality().totalVideoFrames")
    until(page, f"document.querySelector('#place video').getVideoPlaybackQuality().totalVideoFrames > {begun + 10}")


def sound_energy(page: Page) -> float:
    """All that was heard so far."""
    energy: float = page.evaluate("inbound('audio')")["totalAudioEnergy"]
    return energy


def openings(shares: list[float]) -> int:
    """How often the lips opened and closed again."""
    count, is_open = 0, False
    for share in shares:
        if is_open and share < 0.008:
            is_open, count = False, count + 1
        elif share > 0.025:
            is_open = True
    return count


def sample_page(house: House, room: dict[str, Any]) -> str:
    """A2E's sample as it stands in its documentation: an import map says what its import points at, and the four values
    that it tells the reader to fill in are filled in."""
    code = SAMPLE.read_text(encoding="utf-8")
    for given, real in {
        'appId: "your_app_id"': f'appId: "{room["appId"]}"',
        'channel: "test"': f'channel: "{room["channel"]}"',
        'token: "your_temp_token"': f'token: "{room["token"]}"',
        "uid: 123456,": f"uid: {room['uid']},",
    }.items():
        assert code.count(given) == 1
        code = code.replace(given, real)
    points_at = json.dumps({"imports": {"agora-rtc-sdk-ng": f"{house.service.address}/agora-rtc.js"}})
    return (
        f'<!doctype html><script type="importmap">{points_at}</script><button id="audience-join">Join</button>'
        f'<button id="leave">Leave</button><script type="module">{code}</script>'
    )


def test_the_sample_of_a2e_shows_moving_lips_and_sounds(house: House, browser: Browser, web: tuple[Path, str]) -> None:
    folder, host = web
    with house.room() as room:
        (folder / "index.html").write_text(sample_page(house, room), encoding="utf-8")
        said: list[str] = []

        def note(message: ConsoleMessage) -> None:
            said.append(message.text)

        with page_of(browser, f"http://{host}/index.html") as page:
            page.on("console", note)
            page.click("#audience-join")
            page.wait_for_selector("div[id='1'] video.agora_video_player")
            until(page, "document.querySelector('video').videoWidth === 512")
            box = page.locator("video").bounding_box()
            assert box is not None and (box["width"], box["height"]) == (640, 480)

            silent = page.evaluate(LIPS, ["video", 30])
            energy = sound_energy(page)
            house.speak(room, SENTENCE * 2)
            wait_until(lambda: sound_energy(page) > energy + 0.002, "sound")
            speaking = page.evaluate(LIPS, ["video", 80])
            stats = page.evaluate("inbound('video')")

        assert said.count("subscribe success") == 2
        assert openings(silent) == 0
        assert openings(speaking) >= 3
        assert stats["framesDecoded"] > 100
        wait_until(lambda: not house.call(f"session?channel={room['channel']}")["live"]["viewers"], "a goodbye")


def test_a_viewer_joins_hears_leaves_and_leaves_nothing_behind(house: House, browser: Browser) -> None:
    with house.room(qa_context="We are open from nine to six.") as room, watching(house, browser, room) as page:
        for entry in (["user-joined", 1], ["published", "video"], ["published", "audio"], ["event", "ready"]):
            told(page, *entry)
        picture_flows(page)
        assert page.evaluate("getComputedStyle(document.querySelector('#place video')).objectFit") == "contain"
        assert page.evaluate("[client.connectionState, client.transport, client.remoteUsers.length]") == [
            *["CONNECTED", "webrtc", 1],
        ]
        house.call("ask", {"channel": room["channel"], "text": "When are you open?"})
        told(page, "message", 1, {"type": "QA"})
        until(page, "client.remoteUsers[0].audioTrack.getVolumeLevel() > 0.01")
        until(page, "client.getRemoteVideoStats()[1].decodeFrameRate > 15")
        assert page.evaluate("client.getRTCStats().RecvBytes") > 10_000
        until(page, "client.getRemoteNetworkQuality()[1].downlinkNetworkQuality >= 1")

        page.evaluate("client.leave()")
        told(page, "state", "DISCONNECTED", "LEAVE")
        assert page.evaluate("[client.remoteUsers.length, document.querySelectorAll('#place video').length]") == [0, 0]
        until(page, "peers.every((peer) => peer.connectionState === 'closed')")
        wait_until(lambda: not house.call(f"session?channel={room['channel']}")["live"]["viewers"], "a goodbye")


def test_the_classic_script_is_the_same(house: House, browser: Browser, web: tuple[Path, str]) -> None:
    folder, host = web
    (folder / "classic.html").write_text(f'<script src="{house.service.address}/agora-rtc.global.js"></script>')
    with house.room() as room, page_of(browser, f"http://{host}/classic.html") as page:
        heard = page.evaluate(
            """async (room) => {
            const client = AgoraRTC.createClient({ mode: "live", codec: "h264" });
            await client.join(room.appId, room.channel, room.token, null);
            await new Promise((resolve) => setTimeout(resolve, 500)); // a handler may come late
            const kinds = new Set();
            await new Promise((resolve) => client.on("user-published", (user, kind) => kinds.add(kind).size === 2 && resolve()));
            const uid = client.uid;
            await client.leave();
            return [uid, [...kinds].sort(), AgoraRTC.getServer()];
        }""",  # noqa: E501
            room,
        )
    assert heard == [room["uid"], ["audio", "video"], house.service.address]


def test_where_udp_is_blocked_the_room_comes_over_tcp(house: House, chromium: BrowserType) -> None:
    with launched(chromium, NO_UDP) as blocked, house.room() as room:  # noqa: SIM117
        with watching(house, blocked, room, CONNECT_TIMEOUT_MS=1500) as page:
            told(page, "transport-change", "socket", "udp_blocked")
            told(page, "published", "audio")
            picture_flows(page)
            house.speak(room, SENTENCE * 2)
            told(page, "event", "speaking_started")
            until(page, "document.querySelector('#place video').webkitAudioDecodedByteCount > 5000")
            assert openings(page.evaluate(LIPS, ["#place video", 70])) >= 2
            assert page.evaluate("[client.connectionState, document.querySelector('#place video').muted]") == [
                *["CONNECTED", False],
            ]


def test_the_one_port_mode_goes_on_when_what_was_seen_is_forgotten(house: House, browser: Browser) -> None:
    """Players were to remove all but ten seconds, and removed everything up to a key frame that never came."""
    with house.room() as room, watching(house, browser, room, TRANSPORT="socket") as page:
        told(page, "published", "video")
        video = "document.querySelector('#place video')"
        until(page, f"{video}.buffered.length && {video}.readyState >= 3")
        first = page.evaluate(f"{video}.buffered.start(0)")
        until(page, f"{video}.currentTime > {first + 13} && {video}.buffered.start(0) > {first + 1}")
        shown = page.evaluate(f"{video}.getVideoPlaybackQuality().totalVideoFrames")
        until(page, f"{video}.getVideoPlaybackQuality().totalVideoFrames > {shown} + 50")
        assert page.evaluate("told.filter(([name, now]) => now === 'RECONNECTING').length") == 0


def test_an_interrupt_is_not_followed_by_what_the_browser_has_buffered(house: House, browser: Browser) -> None:
    with house.room() as room, watching(house, browser, room) as page:
        told(page, "published", "audio")
        volume = "client.remoteUsers[0].audioTrack._audio.volume"
        house.speak(room, SENTENCE * 3)
        told(page, "event", "speaking_started")
        note = f"({{ type }}) => type === 'interrupted' && volumes.push({volume})"
        page.evaluate(f"window.volumes = [], void client.on('avatar-event', {note})")
        house.call("interrupt", {"channel": room["channel"]})
        told(page, "event", "interrupted")
        assert page.evaluate("volumes") == [0]
        until(page, f"{volume} === 1")


@pytest.mark.parametrize(
    "breaking",
    [
        pytest.param("peers.at(-1).close(), client._session._transport._on.state('gone')", id="connection lost"),
        pytest.param("client._session.stalled()", id="stalled: ICE restart"),
    ],
)
def test_a_connection_that_breaks_is_mended_and_the_picture_goes_on(
    house: House, browser: Browser, breaking: str
) -> None:
    with house.room() as room, watching(house, browser, room) as page:
        picture_flows(page)
        page.evaluate("window.element = document.querySelector('#place video')")
        page.evaluate(breaking)
        told(page, "state", "RECONNECTING", "NETWORK_ERROR")
        until(page, "client.connectionState === 'CONNECTED'")
        picture_flows(page)
        assert page.evaluate("element === document.querySelector('#place video')")
        assert page.evaluate("told.filter(([name]) => name === 'user-joined').length") == 1
        assert house.call(f"session?channel={room['channel']}")["state"] == "live"


def test_a_room_that_ends_says_goodbye(house: House, browser: Browser) -> None:
    room = house.book()
    with watching(house, browser, room) as page:
        told(page, "published", "video")
        told(page, "published", "audio")
        house.call("leave", {"channel": room["channel"]})
        told(page, "state", "DISCONNECTED", "LEAVE")
        notes = page.evaluate("told.filter(([name]) => name.startsWith('user-')).map((entry) => entry.slice(0, 3))")
        assert notes[1:] == [
            *[["user-unpublished", 1, "video"], ["user-unpublished", 1, "audio"], ["user-left", 1, "Quit"]],
        ]
        problem = page.evaluate(
            "(room) => client.join(room.appId, room.channel, room.token, room.uid).catch((e) => e.code)", room
        )
        assert problem == "CAN_NOT_GET_GATEWAY_SERVER"


def test_sound_that_the_browser_holds_back_begins_with_a_touch(
    house: House, chromium: BrowserType, web: tuple[Path, str]
) -> None:
    folder, host = web
    allowed = ("--autoplay-policy=no-user-gesture-required",)
    with house.room() as room, launched(chromium, NO_AUTOPLAY, without=allowed) as strict:
        # By a script of the page itself: what a test evaluates counts as a touch.
        given = json.dumps([house.service.address, room, {}])
        script = f"({WATCH})({given}); setInterval(() => console.log(JSON.stringify(told)), 200);"
        (folder / "strict.html").write_text(f'<body style="height: 900px"><script type="module">{script}</script>')
        page = strict.new_page()
        with page.expect_console_message(lambda message: "autoplay-failed" in message.text, timeout=PATIENCE_MS):
            page.goto(f"http://{host}/strict.html")
        picture_flows(page)
        audio = "client.remoteUsers[0].audioTrack._audio"
        assert page.evaluate(f"{audio}.muted || {audio}.paused")
        page.mouse.click(5, 500)
        until(page, f"!{audio}.muted && !{audio}.paused")


def test_the_microphone_is_heard_by_the_room(house: House, browser: Browser) -> None:
    with house.room() as room, watching(house, browser, room) as page:
        told(page, "published", "audio")
        refused = page.evaluate("""async () => {
            window.microphone = await AgoraRTC.createMicrophoneAudioTrack();
            return client.publish([microphone]).catch((e) => e.code);
        }""")
        assert refused == "INVALID_OPERATION", "an audience does not publish"
        page.evaluate("client.setClientRole('host').then(() => client.publish([microphone]))")
        until(page, "client.getLocalAudioStats().sendBitrate > 5000")
        assert page.evaluate("client.localTracks.length") == 1
        page.evaluate("client.unpublish().then(() => microphone.close())")
        until(page, "client.getLocalAudioStats().sendBitrate < 500")


def test_a_room_without_a_microphone_says_so(house: House, browser: Browser) -> None:
    with house.room(microphone=False) as room, watching(house, browser, room) as page:
        words = page.evaluate("""async () => {
            const track = await AgoraRTC.createMicrophoneAudioTrack();
            await client.setClientRole("host");
            return client.publish([track]).catch((e) => e.message);
        }""")
        assert "microphone" in words


PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESK = {"viewport": {"width": 1280, "height": 800}}


@pytest.mark.parametrize("context", [pytest.param(DESK, id="desk"), pytest.param(PHONE, id="phone")])
def test_the_demo_page_from_key_to_bill(house: House, browser: Browser, context: dict[str, Any]) -> None:
    with house.room():
        pass  # a stage has a place now
    with page_of(browser, f"{house.service.address}/live", **context) as page:
        page.fill("#key", "sk_wrong")
        page.click("#key-panel button")
        page.wait_for_selector(".toast.bad")
        page.fill("#key", house.key)
        page.click("#key-panel button")
        page.wait_for_selector("#start:not([disabled])")
        page.fill("#context", "We are open from nine to six.")
        page.click("#start")
        page.wait_for_selector(".studio.seen")
        page.fill("#words", "When are you open?")
        page.keyboard.press("Enter")
        page.wait_for_selector(".bubble.avatar:has-text('nine to six')")
        page.click("#tab-figures")
        page.wait_for_selector("#figures :text('Pictures a second') + dd:has-text('2')")
        page.check("input[value=speak]", force=True)
        page.fill("#words", SENTENCE * 3)
        page.click("#compose button[type=submit]")
        page.wait_for_selector(".bubble.avatar:has-text('bump map')", state="attached")
        page.wait_for_selector("#captions .said:has-text('My')")
        fits: Callable[[], bool] = lambda: page.evaluate("document.documentElement.scrollWidth <= innerWidth")  # noqa: E731
        assert fits()
        page.click("#interrupt")
        page.wait_for_selector(".bubble.cut", state="attached")
        page.click("#leave")
        page.wait_for_selector("#bill:not([hidden]) dd.total:has-text('coin')")
        assert fits()


def test_the_demo_page_waits_for_a_service_that_is_still_starting(house: House, browser: Browser) -> None:
    refusal = {"code": 503, "status": 503, "reason": "no_stage", "message": "No process is ready yet.", "data": None}
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=503, json=refusal)
        else:
            route.continue_()

    with house.room():
        pass  # a stage has a place now
    with page_of(browser, f"{house.service.address}/live", **DESK) as page:
        page.route("**/streaming-avatar/agora-token", answer)
        page.fill("#key", house.key)
        page.click("#key-panel button")
        page.wait_for_selector("#start:not([disabled])")
        page.click("#start")
        page.wait_for_selector("#waiting:not([hidden]) :text('still starting')")
        assert page.inner_text("#waiting-title") == "Almost ready"
        page.wait_for_selector(".studio.seen")
        assert len(asked) == 2, "it has asked again by itself"
        page.click("#leave")
        page.wait_for_selector("#bill:not([hidden])")


@pytest.mark.parametrize(
    ("arguments", "verdict", "udp"), [((), "good", "good"), ((NO_UDP,), "half", "half")], ids=["open", "no UDP"]
)
def test_the_network_page_says_what_is_blocked(
    house: House, chromium: BrowserType, arguments: tuple[str, ...], verdict: str, udp: str
) -> None:
    address = f"{house.service.address}/live/network"
    with house.room(), launched(chromium, *arguments) as opened, page_of(opened, address) as page:
        page.wait_for_selector("#again:not([disabled])")
        assert page.get_attribute("#verdict", "data-is") == verdict
        found = page.evaluate("[...document.querySelectorAll('#list li')].map((row) => row.dataset.is)")
        assert found == ["good", "good", "good", udp, "none", "good"]
        assert page.locator("#list .todo").count() == (0 if udp == "good" else 1)
