"""Nobody sees or changes what is somebody else's: tried on every route that the application has.

A route without a recipe here fails the first test: whoever adds one says who may call it, and with whose things.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute

from avatarium.accounts import ledger
from avatarium.accounts.models import Principal, Role, Scope
from avatarium.api.app import routers
from avatarium.api.families import family_routers
from avatarium.catalogue.models import Avatar
from avatarium.database import metadata
from avatarium.families import load_families
from avatarium.ids import new_id
from avatarium.streaming.booking import BookRequest
from avatarium.streaming.models import EndReason
from tests.running import HOST, Running, running
from tests.support.stage import OpenRoom, StageDouble, stages
from tests.support.twins import made_model, made_twin
from tests.support.voices import RECORDING, cancel_open, made_voice

MARK = "Adas-secret"
"""Stands in every name that Ada gives."""
FACE = "https://files.example/face.jpg"
TALKING = {"name": MARK, "image_url": FACE}
BODIES: dict[str, dict[str, Any]] = {
    "talkingPhoto": TALKING,
    "video": {"title": MARK, "audioSrc": "https://files.example/speech.mp3"},
    "tts": {"msg": MARK},
    "watermark": {"media_url": FACE, "text": MARK},
    "userVideoTwin": {"name": MARK, "image_url": FACE},
    "userVoice": {"name": MARK, "voice_urls": [RECORDING]},
    "userDubbing": {"name": MARK, "source_url": "https://files.example/film.mp4", "target_lang": "es"},
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a route."""

    path: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A way to lay hands on a thing of somebody else."""

    makes: str
    """What Ada has, a maker of :class:`World`."""
    call: Callable[[str], Call]
    """The call that names it."""
    may_fail: bool = False
    """Whether the call may fail even for its owner, as an address without a signature does."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Who may call a route, and what with."""

    scope: Scope | None = None
    """None: it works without a key."""
    body: dict[str, Any] | None = None
    """What the second user sends of his own. None: nothing that makes sense without an id."""
    attempts: tuple[Attempt, ...] = ()
    for_admins: bool = False
    token_only: bool = False
    """Not a key opens it but the token of a room."""


def in_path(makes: str, name: str = "_id") -> Attempt:
    return Attempt(makes=makes, call=lambda found: Call(path={name: found}))


def in_body(makes: str, name: str = "_id", *, may_fail: bool = False, **more: Any) -> Attempt:
    return Attempt(makes=makes, call=lambda found: Call(body={**more, name: found}), may_fail=may_fail)


def in_list(makes: str) -> Attempt:
    return Attempt(makes=makes, call=lambda found: Call(body={"ids": [found]}))


def unheard(**body: Any) -> Attempt:
    """Something with the transcript of a dubbing that is not done, which even its owner cannot do."""
    return Attempt(makes="userDubbing", call=lambda found: Call(path={"_id": found}, body=body), may_fail=True)


def named(makes: str) -> Attempt:
    return Attempt(makes=makes, call=lambda found: Call(path={"_id": found}, body={"name": "otherwise"}))


def a_url(name: str) -> Attempt:
    """The address of a file without its signature."""
    return in_body("file_url", name, may_fail=True)


def quoted(path: str, makes: str, name: str, **more: Any) -> Attempt:
    def call(found: str) -> Call:
        return Call(body={"endpoint": path, "requestBody": {**more, name: found}})

    return Attempt(makes=makes, call=call)


def family(name: str, start: str, *, detail: str = "") -> dict[str, Recipe]:
    """The routes that most families share."""
    base = f"/api/v1/{name}"
    return {
        f"POST {base}/batchDetail": reads({"ids": []}, in_list(name)),
        f"DELETE {base}/{{_id}}": makes(None, in_path(name)),
        f"POST {base}/{{_id}}/cancel": makes(None, in_path(name)),
        f"POST {base}/retry": makes(None, in_body(f"failed {name}")),
    }


def reads(body: dict[str, Any] | None, *attempts: Attempt) -> Recipe:
    return Recipe(scope=Scope.READ, body=body, attempts=attempts)


def makes(body: dict[str, Any] | None, *attempts: Attempt) -> Recipe:
    return Recipe(scope=Scope.GENERATE, body=body, attempts=attempts)


def uploads(body: dict[str, Any] | None, *attempts: Attempt) -> Recipe:
    return Recipe(scope=Scope.UPLOAD, body=body, attempts=attempts)


def holds(body: dict[str, Any] | None, *attempts: Attempt) -> Recipe:
    return Recipe(scope=Scope.ACCOUNT, body=body, attempts=attempts)


def steers(body: dict[str, Any] | None, *attempts: Attempt) -> Recipe:
    return Recipe(scope=Scope.STREAMING, body=body, attempts=attempts)


VIDEO: dict[str, Any] = {"audioSrc": "https://files.example/speech.mp3"}
ANYBODY = Recipe()
PAGES = [("GET", path) for path in ("/", "/docs", "/docs/{name}", "/healthz", "/readyz", "/openapi.json")]
LIVE_PAGES = [
    *(("GET", path) for path in ("/live", "/live/network", "/live/network/ice", "/live/facts.json", "/live/{name}")),
    *((method, path) for method in ("GET", "HEAD") for path in ("/agora-rtc.js", "/agora-rtc.global.js")),
    *((method, "/voices/{name}.mp3") for method in ("GET", "HEAD")),
    ("POST", "/live/network/offer"),
    ("OPTIONS", "/whep/{channel}"),
]
WHEP = ["POST /whep/{channel}", "PATCH /whep/{channel}/{viewer}", "DELETE /whep/{channel}/{viewer}"]
LIVE = "/api/v1/streaming-avatar"
BOOK: dict[str, Any] = {"expire_seconds": 60}
A_FILE = Recipe(attempts=(Attempt(makes="file", call=lambda key: Call(path={"key": key}), may_fail=True),))

RECIPES: dict[str, Recipe] = {
    **{f"{method} {path}": ANYBODY for method, path in PAGES},
    "GET /metrics": Recipe(scope=Scope.ADMIN, body={}, for_admins=True),
    "POST /api/login/account": ANYBODY,
    "POST /api/v1/custom_back/randomBackground": ANYBODY,
    **{f"{method} /files/{{key:path}}": A_FILE for method in ("GET", "HEAD", "PUT")},
    # Avatars, voices, backgrounds
    "GET /api/v1/anchor/character_list": reads({}, in_body("twin", "user_video_twin_id")),
    "POST /api/v1/anchor/character_list": reads({}, in_body("twin", "user_video_twin_id")),
    "POST /api/v1/anchor/list": reads({"web_type": "a2e"}),
    "GET /api/v1/anchor/language_list": reads({}),
    "POST /api/v1/anchor/language_list": reads({}),
    "GET /api/v1/anchor/voice_list": reads({}),
    "POST /api/v1/anchor/voice_list": reads({}),
    "POST /api/v1/anchor/tts_list": reads({}),
    **family("userVoice", "training"),
    "GET /api/v1/userVoice/completedRecord": reads({}),
    "GET /api/v1/userVoice/trainingRecord": reads({}),
    "GET /api/v1/userVoice/{_id}": reads(None, in_path("userVoice"), in_path("voice"), in_path("twin_voice")),
    "PUT /api/v1/userVoice/{_id}": makes(None, named("userVoice"), named("voice")),
    "POST /api/v1/userVoice/training": makes({"name": "mine", "voice_urls": [RECORDING]}),
    "POST /api/v1/userVoice/advice": makes({"voice_urls": [RECORDING]}),
    "POST /api/v1/custom_back/allBackground": reads({}),
    "POST /api/v1/custom_back/list": reads({}),
    "POST /api/v1/custom_back/add": uploads(None, a_url("img_url")),
    "POST /api/v1/custom_back/del": uploads(None, in_body("background")),
    # Coins, keys, users
    "GET /api/v1/transactionRecord/creditsHistory": reads({}),
    "GET /api/v1/user/remainingCoins": reads({}),
    "POST /api/v1/user/remainingCoins": reads({}),
    "POST /api/v1/user/exchangeDiamonds": holds({"diamonds": 1}),
    "POST /api/v1/user/add": Recipe(scope=Scope.ADMIN, body={"username": "Mallory"}, for_admins=True),
    "POST /api/v1/token/generate": holds({"alias": "mine"}),
    "GET /api/v1/token/list": holds({}),
    "POST /api/v1/token/list": holds({}),
    "POST /api/v1/token/delete": holds(None, in_body("key")),
    "DELETE /api/v1/token/{_id}": holds(None, in_path("key")),
    "POST /api/v1/token/client": holds({"scopes": ["read"]}),
    "POST /api/v1/generation/quote": reads(
        {"endpoint": "/api/v1/talkingPhoto/start", "requestBody": {"image_url": FACE}},
        quoted("video/generate", "avatar", "anchor_id", **VIDEO),
        quoted("talkingPhoto/start", "file_url", "audio_url", image_url=FACE),
    ),
    # Uploads
    "POST /api/v1/r2/upload-presigned-url": uploads({"key": "a.png"}),
    "POST /api/v1/r2/get_upload_presigned_url": uploads({"key": "a.png"}),
    "POST /api/v1/tos/transferToStorage": uploads(None, a_url("url")),
    # Speech
    "POST /api/v1/video/send_tts": makes({"msg": "Mine."}, in_body("voice", "user_voice_id", msg="Mine.")),
    "GET /api/v1/tts/preview/list": reads({}),
    "DELETE /api/v1/tts/preview/{id}": makes(None, in_path("tts", "id")),
    "POST /api/v1/video/lang_classify": reads({"msg": "Good morning."}),
    # Avatar videos
    **family("video", "generate"),
    "POST /api/v1/video/generate": makes(
        None,
        in_body("avatar", "anchor_id", **VIDEO),
        Attempt(
            makes="background",
            call=lambda found: Call(body={**VIDEO, "anchor_id": shipped_avatar(), "custom_back_id": found}),
        ),
    ),
    "POST /api/v1/video/awsResult": reads(None, in_body("video")),
    "GET /api/v1/video/awsList": reads({}),
    "POST /api/v1/video/awsList": reads({}),
    "GET /api/v1/video/detail": reads(None, in_body("video", "video_id")),
    "POST /api/v1/video/auto-public-pool": holds({"isAutoToPublicPool": False}),
    "GET /api/v1/video/lip_models": reads({}),
    # Talking photos
    **family("talkingPhoto", "start"),
    "POST /api/v1/talkingPhoto/start": makes({"image_url": FACE}),
    "GET /api/v1/talkingPhoto/allRecords": reads({}),
    "GET /api/v1/talkingPhoto/{_id}": reads(None, in_path("talkingPhoto")),
    # Dubbing
    **family("userDubbing", "startDubbing"),
    **{
        f"POST /api/v1/userDubbing/{name}": makes(
            {"source_url": "https://files.example/film.mp4", "target_lang": "es"},
            in_body("voice", "voice", source_url="https://files.example/film.mp4", target_lang="es"),
        )
        for name in ("startDubbing", "start")
    },
    **{f"GET /api/v1/userDubbing/{name}": reads({}) for name in ("allRecords", "allProcessing", "languages")},
    "GET /api/v1/userDubbing/{_id}": reads(None, in_path("userDubbing")),
    "GET /api/v1/userDubbing/{_id}/transcript": reads(None, unheard()),
    "PUT /api/v1/userDubbing/{_id}/transcript": makes(None, unheard(version=1, document={})),
    "POST /api/v1/userDubbing/{_id}/render": makes(None, unheard()),
    # Avatars of users
    **family("userVideoTwin", "startTraining"),
    "POST /api/v1/userVideoTwin/batchDetail": reads({"ids": []}, in_list("userVideoTwin"), in_list("lipModel")),
    "POST /api/v1/userVideoTwin/{_id}/cancel": makes(None, in_path("userVideoTwin"), in_path("lipModel")),
    "POST /api/v1/userVideoTwin/retry": makes(None, in_body("failed userVideoTwin"), in_body("failed lipModel")),
    "POST /api/v1/userVideoTwin/startTraining": makes({"image_url": FACE}),
    "POST /api/v1/userVideoTwin/remove": makes(None, in_body("userVideoTwin")),
    "GET /api/v1/userVideoTwin/{_id}": reads(None, in_path("userVideoTwin"), in_path("lipModel")),
    **{f"GET /api/v1/userVideoTwin/{name}": reads({}) for name in ("records", "userRecords", "list")},
    "GET /api/v1/userVideoTwin/trainingRecords": reads({}),
    "POST /api/v1/userVideoTwin/advice": makes({"image_url": FACE}),
    **{
        f"POST /api/v1/userVideoTwin/{name}": makes(None, in_body("video_twin"))
        for name in ("continueTranining", "continueTraining", "addVoiceClone")
    },
    "DELETE /api/v1/video/lip_models/{_id}": makes(None, in_path("lipModel"), in_path("lip_model")),
    # Watermarks
    "POST /api/v1/watermark/start": makes({"media_url": FACE, "text": "Mine"}),
    "GET /api/v1/watermark/allRecords": reads({}),
    "GET /api/v1/watermark/{_id}": reads(None, in_path("watermark")),
    "DELETE /api/v1/watermark/{_id}": makes(None, in_path("watermark")),
    # Live rooms; those who watch one show its token, see test_streaming_whep.py
    **{f"{method} {path}": ANYBODY for method, path in LIVE_PAGES},
    **{call: Recipe(token_only=True) for call in WHEP},
    f"GET {LIVE}/all_avatars": steers({}),
    f"POST {LIVE}/agora-token": steers(
        None,
        in_body("avatar", "avatar_id", **BOOK),
        Attempt(
            makes="background",
            call=lambda found: Call(body={**BOOK, "avatar_id": shipped_avatar(), "background_id": found}),
        ),
    ),
    **{f"POST {LIVE}/{name}": steers(None, in_body("room", "channel")) for name in ("leave", "leave-room")},
    f"POST {LIVE}/interrupt": steers(None, in_body("room", "channel")),
    f"POST {LIVE}/extend": steers(None, in_body("room", "channel", seconds=5)),
    **{
        f"POST {LIVE}/{name}": steers(None, in_body("room", "channel", on=True)) for name in ("listening", "microphone")
    },
    **{
        f"POST {LIVE}/{name}": steers(None, in_body("room", "channel", text="Mine."))
        for name in ("set-qa-context", "ask", "speak", "direct-speak")
    },
    **{
        f"GET {LIVE}/{name}": steers(None, in_body("room", "channel"))
        for name in ("get-qa-context", "session", "ice-servers")
    },
    f"GET {LIVE}/events": steers(None, in_body("ended room", "channel")),
    f"GET {LIVE}/sessions": steers({}),
    # The calls of OpenAI's API, which wait for their work: tried in test_openai_calls.py
    **{f"POST /v1/audio/{name}": makes(None) for name in ("speech", "transcriptions", "translations")},
    "GET /v1/models": reads({}),
    "GET /v1/models/{model}": reads(None),
    "GET /v1/audio/voices": reads({}),
    # Tasks of all kinds, notices
    "GET /api/v1/tasks/{_id}": reads(None, in_path("talkingPhoto"), in_path("userVideoTwin")),
    "GET /api/v1/tasks/{_id}/events": reads(None, in_path("failed talkingPhoto")),
    "POST /api/v1/tasks/{_id}/cancel": makes(None, in_path("talkingPhoto"), in_path("userVideoTwin")),
    "GET /api/v1/webhooks/deliveries": reads({}),
    "GET /api/v1/webhooks/secret": holds({}),
    "POST /api/v1/webhooks/deliveries/{_id}/replay": makes(None, in_path("delivery")),
}


def shipped_avatar() -> str:
    from avatarium.catalogue.shipped import shipped_avatars

    return shipped_avatars()[0].id


def calls_of(routes: Any) -> set[str]:
    return {
        f"{method} {route.path}" for route in routes if isinstance(route, APIRoute) for method in route.methods or ()
    }


def every_call() -> list[str]:
    """What the routers declare: known without an installation, as the collecting of tests wants it."""
    every = [*routers(), *family_routers(load_families([]))]
    return sorted({call for router in every for call in calls_of(router.routes)})


CALLS = every_call()
KNOWN = [call for call in CALLS if call in RECIPES]


class World:
    """Ada, who has one of everything, and Ben, who is after it."""

    def __init__(self, it: Running, stage: StageDouble) -> None:
        self.it = it
        self.stage = stage
        self.ids: set[str] = {it.user_id}
        self.keys: dict[frozenset[Scope], str] = {}
        self.ada = Principal(user_id=it.user_id, role=Role.USER, key_id="")
        with it.platform.database.write() as c:
            for owner in (it.user_id, it.other_id):
                ledger.grant(c, owner, 10**6, key="much", note="", now_ms=1)

    def make(self, what: str) -> str:
        """A thing of Ada's."""
        made = self._make(what)
        if not what.endswith("room"):
            self.ids.add(made)
        return made

    def unknown(self, what: str) -> str:
        """What is named like such a thing and is nobody's."""
        key = f"uploads/{self.it.user_id}/ffffffff/none.png"
        names = {"file": key, "file_url": f"{HOST}/files/{key}", "room": "fffffff", "ended room": "fffffff"}
        return names.get(what, new_id())

    def send(self, call: str, given: Call, **headers: str) -> Any:
        """Make a call; without headers as Ada."""
        method, path = call.split(" ", 1)
        usual = {"name": "docs.css", "key": "uploads/x/y/z.png", "channel": "fffffff", "viewer": "v", "model": "tts-1"}
        path = path.replace(":path", "").format(**(usual | given.path))
        body = given.body if method != "HEAD" else None
        return self.it.client.request(method, path, json=body, headers=headers)

    def holdings(self) -> str:
        """Every row that names Ada."""
        with self.it.platform.database.read() as c:
            there = set(sa.inspect(c).get_table_names())
            tables = [
                [table.name, *map(list, c.execute(sa.select(table)))]
                for table in metadata.sorted_tables
                if table.name in there
            ]
        rows = [[name, *(row for row in rows if self.it.user_id in row)] for name, *rows in tables]
        files = sorted(path.as_posix() for path in (self.it.platform.settings.home / "objects").rglob("*"))
        return json.dumps([rows, files], default=str)

    def _make(self, what: str) -> str:
        it, platform = self.it, self.it.platform
        if what == "ended room":
            channel = self._room()
            platform.rooms.end(platform.rooms.find(it.user_id, channel).id, EndReason.LEFT)
            return channel
        if what.startswith("failed "):
            task_id = self._task(what.removeprefix("failed "))
            family = platform.tasks.find(it.user_id, task_id)[1]
            platform.tasks.cancel(it.user_id, family, task_id)
            return task_id
        if what in BODIES or what == "lipModel":
            return self._task(what)
        return str(getattr(self, f"_{what}")())

    def _task(self, family_name: str, **more: Any) -> str:
        family = self.it.platform.families[family_name]
        if family_name == "userVoice":
            cancel_open(self.it, self.it.user_id)
        if family_name == "lipModel":
            more |= {"_id": self.make("video_twin")}
        body = BODIES.get(family_name, {}) | ({"anchor_id": shipped_avatar()} if family_name == "video" else {}) | more
        return self.it.platform.tasks.submit(self.ada, family, family.start.model_validate(body)).id

    def _room(self) -> str:
        """A live room; its name stays out of what is looked for: five digits stand in many an id."""
        self.stage.register()
        request = BookRequest(avatar_id=shipped_avatar(), expire_s=60, context=MARK)
        booked = self.it.platform.rooms.book(self.it.user_id, request)
        self.stage.rooms[booked.room.id] = OpenRoom(booked.spec)
        self.ids.add(booked.room.id)
        return booked.room.channel

    def _delivery(self) -> str:
        family = self.it.platform.families["talkingPhoto"]
        task_id = self._task("talkingPhoto", webhook_url=f"https://app.example/{MARK}")
        self.it.platform.tasks.cancel(self.it.user_id, family, task_id)
        return str(self.it.get("webhooks/deliveries")["rows"][0]["_id"])

    def _key(self) -> str:
        return self.it.platform.accounts.create_key(self.it.user_id, alias=MARK)[0].id

    def _file(self) -> str:
        key = f"uploads/{self.it.user_id}/{new_id()}/{MARK}.png"
        self.it.platform.storage.put(
            key, b"secret", owner=self.it.user_id, media_type="audio/mpeg", expires_ms=None, duration_s=17
        )
        return key

    def _file_url(self) -> str:
        return f"{HOST}/files/{self._file()}"

    def _background(self) -> str:
        return self.it.platform.catalogue.add_background(self.it.user_id, name=MARK, key=self._file()).id

    def _avatar(self, twin_id: str = "") -> str:
        made = Avatar(
            id=new_id(),
            owner=self.it.user_id,
            name=MARK,
            gender="female",
            picture_key=self._file(),
            twin_id=twin_id,
            created_ms=1,
        )
        with self.it.platform.database.write() as c:
            self.it.platform.catalogue.add_avatar(c, made)
        return made.id

    def _video_twin(self) -> str:
        made = made_twin(self.it, name=MARK)
        self.ids.add(made.avatar.id)
        return made.training_id

    def _lip_model(self) -> str:
        made = made_twin(self.it, name=MARK)
        self.ids |= {made.avatar.id, made.training_id}
        return made_model(self.it, made).id

    def _voice(self) -> str:
        return made_voice(self.it, name=MARK).id

    def _twin_voice(self) -> str:
        twin = made_twin(self.it, name=MARK)
        self.ids |= {twin.avatar.id, twin.training_id}
        return made_voice(self.it, of=twin).id

    def _twin(self) -> str:
        """A training whose avatar is there."""
        training = new_id()
        self.ids.add(self._avatar(training))
        return training


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    freely: dict[str, Any] = {
        "rate_limit": "100000/second",
        "rate_limit_anonymous": "100000/second",
        "user_open": 10_000,
        "live_user_rooms": 1000,
        "user_voices_max": 1000,
    }
    with (
        running(tmp_path_factory.mktemp("home"), request_timeout_s=1.5, fetch_timeout_s=1, **freely) as it,
        stages(it.platform, places=1000.0) as (stage,),
    ):
        made = World(it, stage)
        owned = ("failed video", "delivery", "key", "background", "avatar", "room", "lipModel", "lip_model", "voice")
        for what in [*BODIES, *owned]:
            made.make(what)
        yield made


def test_every_route_has_a_recipe(world: World) -> None:
    there = calls_of(world.it.client.app.routes)  # type: ignore[attr-defined]
    assert there == set(CALLS), "some routes do not come from the routers that these tests read"
    missing = sorted(there - set(RECIPES))
    assert not missing, f"say in RECIPES who may call these, and try it with somebody else's things: {missing}"
    assert not sorted(set(RECIPES) - there), "these routes are gone: take them out of RECIPES"


def reason_of(answer: Any) -> str:
    """The word for programs, in our envelope or in the shape of OpenAI's errors."""
    body = answer.json()
    return str(body["error"]["code"] if "error" in body else body["reason"])


def said(answer: Any) -> tuple[int, Any]:
    """An answer without what differs from one request to the next."""
    if not answer.content or "application/json" not in answer.headers.get("content-type", ""):
        return answer.status_code, answer.text
    return answer.status_code, {name: value for name, value in answer.json().items() if name != "trace_id"}


@pytest.mark.parametrize("call", [call for call in KNOWN if RECIPES[call].attempts])
def test_what_is_somebody_elses_is_as_if_it_were_not_there(world: World, call: str) -> None:
    for attempt in RECIPES[call].attempts:
        theirs, nobodys = world.make(attempt.makes), world.unknown(attempt.makes)
        before = world.holdings()
        found = world.send(call, attempt.call(theirs), **world.it.other)
        missed = world.send(call, attempt.call(nobodys), **world.it.other)
        assert said(found) == said(missed), f"{call} tells {attempt.makes} of somebody else from what is not there"
        assert MARK not in found.text and found.status_code < 500
        assert world.holdings() == before, f"{call} changed something of somebody else"
        if not attempt.may_fail:
            own = world.send(call, attempt.call(theirs))
            assert said(own) != said(missed), f"{call} does not work with one's own {attempt.makes}: nothing was tried"


@pytest.mark.parametrize("call", [call for call in KNOWN if RECIPES[call].body is not None])
def test_nothing_of_others_is_listed(world: World, call: str) -> None:
    before = world.holdings()
    answer = world.send(call, Call(body=RECIPES[call].body or {}), **world.it.other)
    assert (answer.status_code in (200, 400, 503)) != RECIPES[call].for_admins, answer.text
    shown = [known for known in world.ids if known in answer.text]
    assert not shown and MARK not in answer.text
    assert world.holdings() == before


@pytest.mark.parametrize("call", [call for call in KNOWN if RECIPES[call].scope])
def test_no_route_opens_without_a_key(world: World, call: str) -> None:
    before = world.holdings()
    for wrong in ("", "Bearer sk_none", "Basic YTpi", "Bearer"):
        answer = world.send(call, a_call(world, call), Authorization=wrong)
        assert answer.status_code == 401, f"{call} with {wrong!r}: {answer.text}"
    assert world.holdings() == before


@pytest.mark.parametrize("call", [call for call in KNOWN if RECIPES[call].token_only])
def test_what_is_for_viewers_opens_to_no_key(world: World, call: str) -> None:
    channel = world.make("room")
    for key in ("", "Bearer sk_none", world.it.client.headers["Authorization"]):
        answer = world.send(call, Call(path={"channel": channel}), Authorization=key)
        assert answer.status_code == 401 and MARK not in answer.text


PUBLIC = [call for call in KNOWN if RECIPES[call].scope is None and not RECIPES[call].token_only]


@pytest.mark.parametrize("call", PUBLIC)
def test_what_is_public_says_so(world: World, call: str) -> None:
    """And works: no recipe hides a route that wants a key behind the word public."""
    answer = world.send(call, Call(), Authorization="")
    assert answer.status_code != 401


@pytest.mark.parametrize("call", [call for call in KNOWN if RECIPES[call].scope])
def test_a_key_opens_only_what_its_scopes_say(world: World, call: str) -> None:
    scope = RECIPES[call].scope
    assert scope is not None
    before = world.holdings()
    narrow = key_with(world, set(Scope) - {scope, Scope.ADMIN})
    refused = world.send(call, a_call(world, call), Authorization=narrow)
    assert (refused.status_code, reason_of(refused)) == (403, "scope_missing"), refused.text
    assert world.holdings() == before
    if scope is not Scope.ADMIN:
        opened = world.send(call, a_call(world, call), Authorization=key_with(world, {scope}))
        assert opened.status_code != 401 and f"the scope {scope}." not in opened.text, opened.text


@pytest.mark.parametrize("call", [call for call in KNOWN if RECIPES[call].for_admins])
def test_what_is_for_admins_refuses_users(world: World, call: str) -> None:
    answer = world.send(call, a_call(world, call), **world.it.other)
    assert (answer.status_code, answer.json()["reason"]) == (403, "admin_only")


def key_with(world: World, scopes: set[Scope]) -> str:
    """Of Ben: the header for a key with these scopes."""
    known = frozenset(scopes)
    if known not in world.keys:
        world.keys[known] = world.it.platform.accounts.create_key(world.it.other_id, scopes=scopes)[1]
    return f"Bearer {world.keys[known]}"


def a_call(world: World, call: str) -> Call:
    """A call of a route that its rules take for good, with nothing of anybody's."""
    recipe = RECIPES[call]
    if recipe.body is not None or not recipe.attempts:
        return Call(body=recipe.body or {})
    attempt = recipe.attempts[0]
    return attempt.call(world.unknown(attempt.makes))
