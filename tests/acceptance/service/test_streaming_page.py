"""What ``docs/streaming.md`` shows, as its reader would try it: its page in a browser, its commands, its programs."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import threading
import time
import urllib.request
import wave
from base64 import b64decode
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, BrowserType, Page

from avatarium.engine.face.landmarks import find_face
from avatarium.engine.speech import synthesize
from tests.acceptance.service.conftest import Service, make_service, wait_until
from tests.acceptance.service.conftest import end as stop
from tests.support.chromium import launched

TEXT = (Path(__file__).parents[3] / "docs" / "streaming.md").read_text(encoding="utf-8")
AVA = "2997dfc62ef129559908a47f"
LINES = 20
UTTERANCES = 2
"""What the page says, and what is pushed."""
PATIENCE_MS = 30_000
KEEP_CONNECTIONS = """
    window.connections = [];
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...given) { super(...given); connections.push(this); }
    };
"""
ENERGY = """async () => {
    const reports = await Promise.all(connections.map((connection) => connection.getStats()));
    const heard = reports.flatMap((report) => [...report.values()]).filter(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
    return heard.reduce((sum, { totalAudioEnergy }) => sum + (totalAudioEnergy || 0), 0);
}"""  # noqa: E501
FRAME = """() => {
    const video = document.querySelector("video");
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    return canvas.toDataURL("image/jpeg", 0.9).split(",")[1];
}"""
FRAMES = 20

pytestmark = pytest.mark.long


def blocks(language: str) -> list[str]:
    """What the page shows in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def block(language: str, holding: str) -> str:
    """The one of them that holds some words."""
    (found,) = [text for text in blocks(language) if holding in text]
    return found


class Quiet(SimpleHTTPRequestHandler):
    """A reader's own web server, without a word."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one stage that is ready."""
    made = make_service(tmp_path_factory.mktemp("live") / "home")
    try:
        made.start(AVATARIUM_STAGES="1").until_ready()
        wait_until(lambda: "avatarium_stage_places{" in _metrics(made), "a stage")
        yield made
    finally:
        stop(made)


@pytest.fixture(scope="module")
def browser(chromium: BrowserType) -> Iterator[Browser]:
    with launched(chromium) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.add_init_script(KEEP_CONNECTIONS)
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and where it is served: another origin than the service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield tmp_path, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def room(live: Service, site: tuple[Path, str], page: Page) -> Iterator[dict[str, Any]]:
    """A room that the page of twenty lines watches."""
    _open_the_page(live, site, page)
    page.wait_for_selector("#avatar video")
    booked: dict[str, Any] = page.evaluate("room")
    yield booked
    _post(live, "streaming-avatar/leave", {"channel": booked["channel"]})


def _open_the_page(live: Service, site: tuple[Path, str], page: Page) -> None:
    _until_free(live)
    folder, address = site
    (folder / "page.html").write_text(_ours(block("html", "<!doctype"), live), encoding="utf-8")
    token = _post(live, "token/client", {"scopes": ["streaming"], "expires_in": 600})["token"]
    page.goto(f"{address}/page.html#{token}")
    page.click("button")


def test_the_page_of_twenty_lines_shows_somebody_who_speaks(live: Service, site: tuple[Path, str], page: Page) -> None:
    assert len(block("html", "<!doctype").splitlines()) <= LINES
    _open_the_page(live, site, page)
    page.wait_for_function("document.querySelector('#avatar video')?.videoWidth === 512")
    page.fill("input", "One, two, three, four, five, six, seven, eight, nine, ten.")
    page.click("button")
    wait_until(lambda: page.evaluate(ENERGY) > 1e-4, "somebody is heard")
    frames = [_frame(page) for _ in range(FRAMES)]
    assert find_face(frames[0]) is not None
    assert _mouth_moves(frames), "lips move"
    _post(live, "streaming-avatar/leave", {"channel": page.evaluate("room.channel")})


def test_every_command_works(live: Service, room: dict[str, Any], tmp_path: Path) -> None:
    named = block("sh", "call() {").replace("$(./run token create --scopes streaming | tail -1)", live.key)
    lines = [line for text in blocks("sh") for line in text.splitlines() if line.startswith("call ")]
    # The page has booked; and what ends the room comes last.
    lines = sorted(
        (line for line in lines if " agora-token " not in line), key=lambda line: line.startswith("call leave")
    )
    assert len(lines) > 12
    (asks,) = (at for at, line in enumerate(lines) if line.startswith("call ask "))
    heard = "until grep -q speaking_started events; do sleep 0.1; done"  # or it may be interrupted before it began
    script = _ours("\n".join([named, *lines[:asks], heard, *lines[asks:]]), live).replace("a1b2c", room["channel"])
    watch = _for_room("\n".join([named, block("sh", "curl -N")]), live, room)
    with (tmp_path / "events").open("w") as told:
        watching = subprocess.Popen(["sh", "-c", watch], env=live.environment, stdout=told)
    answers = [json.loads(line) for line in _typed(script, live, tmp_path).splitlines()]
    for line, answer in zip(lines, answers, strict=True):
        assert answer["code"] == 0, (line, answer)
    assert answers[-1]["data"]["reason"] == "left"
    watching.wait(timeout=60)
    kinds = re.findall(r"^event: (\S+)", (tmp_path / "events").read_text(), re.MULTILINE)
    assert {"speaking_started", "interrupted", "transcript", "extended", "listening_started"} <= set(kinds)
    assert kinds[-1] == "ended"


def test_the_program_that_pushes_sound_works(live: Service, room: dict[str, Any], tmp_path: Path) -> None:
    spoken = synthesize("This was said by somebody else.", "hibari-ava")
    with wave.open(str(tmp_path / "talk.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(spoken.rate)
        file.writeframes((np.clip(spoken.audio, -1, 1) * 32767).astype("<i2").tobytes())
    (tmp_path / "push.py").write_text(block("python", "push.py"), encoding="utf-8")
    arguments = [str(tmp_path / "push.py"), live.address, live.key, room["channel"], str(tmp_path / "talk.wav")]
    ran = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    accepted, ended = (json.loads(line) for line in ran.stdout.splitlines())
    assert (accepted["type"], ended["type"]) == ("accepted", "ended")
    assert ended["seconds"] == pytest.approx(len(spoken.audio) / spoken.rate, abs=0.01)

    own = [event for event in _events(live, room["channel"]) if event["command_id"] == accepted["command_id"]]
    assert {"speaking_started", "viseme"} <= {event["type"] for event in own}
    assert own[-1]["type"] == "speaking_ended" and own[-1]["said_ms"] > 1000


def test_a_player_without_the_module_works(live: Service, room: dict[str, Any], page: Page, tmp_path: Path) -> None:
    script = block("js", "new RTCPeerConnection()")
    seen = page.evaluate(
        f"""async (room) => {{
            const video = document.createElement("video");
            video.muted = video.autoplay = true;
            {script}
            await new Promise((resolve) => (video.onresize = resolve));
            const wanted = {{offerToReceiveAudio: true, offerToReceiveVideo: true}};
            const offer = await new RTCPeerConnection().createOffer(wanted);
            window.players = [pc, video];
            return [video.videoWidth, offer.sdp];
        }}""",
        room,
    )
    assert seen[0] == 512, "a second viewer of the same room"
    (tmp_path / "offer.sdp").write_text(seen[1], encoding="utf-8", newline="")
    post, delete = block("sh", "@offer.sdp").splitlines()
    answered = _typed(_for_room(post, live, room), live, tmp_path)
    assert answered.startswith("HTTP/1.1 201") and "a=candidate" in answered
    (viewer,) = re.findall(r"(?i)^location: \S+/(\S+)", answered, re.MULTILINE)
    gone = _typed(_for_room(delete, live, room).replace("c0ffee", viewer), live, tmp_path)
    assert gone.startswith("HTTP/1.1 200")


def test_the_sample_and_captions_work(live: Service, site: tuple[Path, str], page: Page) -> None:
    _until_free(live)
    folder, address = site
    booked = _post(live, "streaming-avatar/agora-token", {"avatar_id": AVA, "expire_seconds": 60})
    sample = block("js", 'from "agora-rtc-sdk-ng"').replace("// at the end\nawait rtc.client.leave();", "")
    captions = block("js", "speaking_started")
    body = '<div id="player" style="height: 300px"></div><p id="caption"></p>'
    script = f"const options = {json.dumps(booked)};\n{sample}\nconst client = rtc.client;\n{captions}"
    head = f'<!doctype html><meta charset="utf-8">{block("html", "importmap")}'
    html = f'{head}{body}<script type="module">{script}</script>'
    (folder / "sample.html").write_text(_ours(html, live), encoding="utf-8")
    page.goto(f"{address}/sample.html")
    page.wait_for_function("document.querySelector('#player video')?.videoWidth === 512")
    _post(live, "streaming-avatar/speak", {"channel": booked["channel"], "text": "Can you read this?"})
    page.wait_for_function("document.querySelector('#caption').textContent.includes('read')")
    _post(live, "streaming-avatar/leave", {"channel": booked["channel"]})
    page.wait_for_function("!document.querySelector('#player video')")


# What they share


def _ours(text: str, live: Service) -> str:
    """With the address of this service in place of the page's."""
    return text.replace("http://127.0.0.1:8000", live.address).replace(
        "http://127.0.0.1:${AVATARIUM_PORT:-8000}", live.address
    )


def _for_room(text: str, live: Service, room: dict[str, Any]) -> str:
    return _ours(text, live).replace("a1b2c", room["channel"]).replace("007...", room["token"])


def _typed(script: str, live: Service, folder: Path) -> str:
    ran = subprocess.run(
        ["sh", "-c", script], cwd=folder, env=live.environment, capture_output=True, text=True, timeout=90
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _frame(page: Page) -> NDArray[np.uint8]:
    time.sleep(0.08)
    coded = np.frombuffer(b64decode(page.evaluate(FRAME)), np.uint8)
    return np.asarray(cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)


def _mouth_moves(frames: list[NDArray[np.uint8]]) -> bool:
    """Whether the lips part and meet: the inner lips' distance, in eye distances, varies as it does in speech."""
    gaps = []
    for frame in frames:
        points = find_face(frame).points
        gaps.append(np.linalg.norm(points[13, :2] - points[14, :2]) / np.linalg.norm(points[33, :2] - points[263, :2]))
    return float(max(gaps) - min(gaps)) > 0.05


def _post(live: Service, path: str, body: dict[str, Any]) -> Any:
    data = json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {live.key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{live.address}/api/v1/{path}", data, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())["data"]


def _events(live: Service, channel: str) -> list[dict[str, Any]]:
    """All of a room up to the end of what was pushed."""
    address = f"{live.address}/api/v1/streaming-avatar/events?channel={channel}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {live.key}"})
    events: list[dict[str, Any]] = []
    with urllib.request.urlopen(request, timeout=30) as answer:
        for line in answer:
            if line.startswith(b"data:"):
                events.append(json.loads(line.removeprefix(b"data:")))
                if sum(event["type"] == "speaking_ended" for event in events) == UTTERANCES:
                    break
    return events


def _until_free(live: Service) -> None:
    """The stage has noticed that the room of the test before is over."""

    def free() -> bool:
        figures = dict(
            re.findall(r"^avatarium_stage_(places_taken|late|load){.*} (\S+)$", _metrics(live), re.MULTILINE)
        )
        return all(float(value) < 0.05 for value in figures.values())

    wait_until(free, "a free stage")


def _metrics(live: Service) -> str:
    with urllib.request.urlopen(f"{live.address}/metrics", timeout=30) as answer:
        return str(answer.read().decode())
