"""Every setting of the service, with its default and the reason for it.

A setting is read from the environment (``AVATARIUM_PORT``), else from ``config.toml`` in the data folder
(``port = 8000``).
``docs/settings.md`` is made from this file.
"""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from avatarium.engine.assets.store import default_home
from avatarium.errors import OptionError

MB = 1 << 20
GB = 1 << 30


class Settings(BaseSettings):
    """The configuration of one installation. Every default works on one ordinary machine."""

    model_config = SettingsConfigDict(env_prefix="AVATARIUM_", extra="ignore", frozen=True)

    # Where
    home: Path = Field(default_factory=default_home, description="Data folder: database, files, models, secrets.")
    host: str = Field("127.0.0.1", description="Address to listen on. `0.0.0.0` opens the service to the network.")
    port: int = Field(8000, ge=0, le=65535, description="Port of the API. 0 takes any that is free.")
    public_url: str = Field(
        "", description="Address under which clients reach the service; stands in the URLs of results. "
        "Empty takes that of each request, and `http://HOST:PORT` where there is none, as in webhooks."
    )  # fmt: skip
    database_url: str = Field(
        "", description="`postgresql://user:password@host/name`. Empty is an SQLite file in the data folder."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="`auto` writes text to a terminal and JSON elsewhere."
    )

    # Access
    secret: SecretStr = Field(
        SecretStr(""), description="What signatures hang on, 32 characters or more. Empty takes the one that is made "
        "in the data folder; processes on several machines need the same."
    )  # fmt: skip
    login_hours: float = Field(12, gt=0, description="Hours that a log-in lasts.")

    # Objects
    storage_url: str = Field("", description="`s3://bucket/prefix`. Empty is a folder in the data folder.")
    s3_endpoint: str = Field("", description="Address of an S3 service other than Amazon's.")
    s3_region: str = Field("us-east-1", description="Region of the bucket.")
    s3_access_key_id: str = Field("", description="S3 key; empty takes the machine's own credentials.")
    s3_secret_access_key: SecretStr = Field(SecretStr(""), description="Its secret.")
    upload_max_bytes: int = Field(2 * GB, gt=0, description="Largest file that a client may upload.")
    quota_bytes: int = Field(20 * GB, gt=0, description="Bytes that the files of one user may take.")
    result_days: float = Field(3, gt=0, description="Days after which results expire and their files are removed.")
    upload_days: float = Field(3, gt=0, description="Days after which uploads are removed.")

    # Strangers' URLs
    fetch_max_bytes: int = Field(2 * GB, gt=0, description="Largest file that is fetched from a URL.")
    fetch_timeout_s: float = Field(300, gt=0, description="Seconds after which fetching is given up.")
    fetch_allow: list[str] = Field(
        default_factory=list, description="Hosts, as `host:port`, that may be fetched from and called though their "
        "address is private, such as a file server of your own."
    )  # fmt: skip
    media_max_s: float = Field(3600, gt=0, description="Longest recording or video that is taken, in seconds.")

    # HTTP
    body_max_bytes: int = Field(4 * MB, gt=0, description="Largest JSON body.")
    request_timeout_s: float = Field(150, gt=0, description="Seconds after which a request is answered with an error.")
    connections: int = Field(1000, ge=8, description="Connections that the API keeps; more are answered with 503.")
    rate_limit: str = Field("600/minute", description="Requests that one key may make.")
    rate_limit_anonymous: str = Field("60/minute", description="Requests without a key, of one address.")
    rate_limit_store: str = Field(
        "memory://", description="Where several API processes count together, such as `redis://host:6379`."
    )
    cors_origins: list[str] = Field(
        default_factory=lambda: ["*"], description="Web pages that may call the API. Keys are sent in a header, never "
        "in a cookie, so `*` gives nothing away; a key can carry its own list."
    )  # fmt: skip
    trusted_proxies: str = Field("127.0.0.1", description="Proxies whose `X-Forwarded-*` headers are believed.")

    # Tasks
    workers: int = Field(2, ge=0, description="Worker processes that `serve` starts. 0 where workers run elsewhere.")
    media_slots: int = Field(1, ge=0, description="Media tasks that one worker works on at once.")
    quick_slots: int = Field(1, ge=0, description="Short tasks, as speech, that one worker works on beside them.")
    warm_up: bool = Field(True, description="Load what tasks will need before the first one comes.")
    slot_threads: int = Field(1, ge=1, description="Threads of the numeric libraries in one media process.")
    slot_memory_mb: int = Field(4096, ge=512, description="Memory at which a media process is stopped.")
    task_time_limit_s: float = Field(
        7200, gt=0, description="Working time after which a task is given up, in one worker."
    )
    plugins: list[str] = Field(
        default_factory=list, description="Installed Python modules with further task families, each in a `FAMILY`; "
        "the seam for engines that need a GPU."
    )  # fmt: skip
    user_running: int = Field(4, ge=1, description="Media tasks of one user that run at once.")
    user_open: int = Field(100, ge=1, description="Tasks of one user that may wait or run.")
    sweep_s: float = Field(60, gt=0, description="Seconds between two rounds of cleaning up what expired.")
    queue_max: int = Field(5000, ge=1, description="Tasks that may wait in all.")

    # Live rooms
    stages: int = Field(
        -1, ge=-1, description="Processes that render live rooms, which `serve` starts. -1 takes one for each core; "
        "0 where they run elsewhere."
    )  # fmt: skip
    stage_host: str = Field(
        "127.0.0.1", description="Address on which a stage listens to the API. Open it to the network of the "
        "installation where stages run on other machines; never to the internet."
    )  # fmt: skip
    live_resolution: int = Field(
        512, ge=240, le=720, description="Short side of a room's picture, unless one is asked for."
    )
    live_longest_s: int = Field(7200, ge=5, description="Longest time for which a room can be booked.")
    live_join_s: float = Field(300, gt=0, description="A room that nobody has joined by then ends and costs nothing.")
    live_grace_s: float = Field(
        20, gt=0, description="Seconds for which a room waits for a viewer that was lost. They are not charged."
    )
    live_queue_max: int = Field(20, ge=1, description="Utterances that may wait in one room.")
    live_user_rooms: int = Field(20, ge=1, description="Live rooms of one user at once.")
    live_share: float = Field(
        0.85, gt=0, le=1, description="Share of a stage's core that rooms may take; beyond it bookings wait in line."
    )  # fmt: skip
    live_bitrate_max: int = Field(2_000_000, ge=100_000, description="Bits a second of a room's picture at most.")
    live_bitrate_min: int = Field(120_000, ge=50_000, description="And at least, however bad the connection.")
    live_memory_mb: int = Field(
        384, ge=0, description="Memory of a stage for pictures of people who only listen, which are used again."
    )
    ice_servers: list[str] = Field(
        default_factory=list, description="STUN and TURN servers for viewers behind firewalls, such as "
        '`["stun:turn.example:3478", "turns:turn.example:443?transport=tcp"]`.'
    )  # fmt: skip
    turn_secret: SecretStr = Field(
        SecretStr(""), description="coturn's `static-auth-secret`; each viewer gets credentials of its own from it."
    )  # fmt: skip
    turn_hours: float = Field(3, gt=0, description="Hours for which such credentials last.")
    ice_addresses: list[str] = Field(
        default_factory=list, description="Addresses under which this machine is reached from outside, where a "
        "router or cloud translates them; offered to viewers in place of its own."
    )  # fmt: skip
    ice_ports: str = Field("", description="UDP ports for media, as `50000-50100`; empty takes any.")
    agora_app_id: str = Field(
        "", description="Your Agora app id, 32 hexadecimal digits; empty takes one of this installation's own."
    )
    agora_certificate: SecretStr = Field(SecretStr(""), description="Its certificate; tokens are then real ones.")
    chat_url: str = Field(
        "", description="An OpenAI-compatible endpoint that answers questions in rooms, such as "
        "`http://127.0.0.1:11434/v1`. Empty answers from the room's own context, with no network."
    )  # fmt: skip
    chat_model: str = Field("", description="Name of the model there.")
    chat_key: SecretStr = Field(SecretStr(""), description="Its key, where it wants one.")
    chat_timeout_s: float = Field(20, gt=0, description="Seconds that it has for its first word, and between two.")
    chat_longest_s: float = Field(60, gt=0, description="Seconds after which its answer is cut off.")
    chat_characters_max: int = Field(1500, ge=1, description="Characters after which its answer is cut off.")
    chat_prompt: str = Field("", description="What the model is told about its part, before the room's context.")
    chat_grounded: bool = Field(
        False, description="The model may only put passages of the room's context into other words; an answer with a "
        "number or name that they do not have is replaced by the passage."
    )  # fmt: skip

    # Twins
    twin_consent_required: bool = Field(
        False, description="Make no avatar of anybody, and clone no voice, without `consent`: whoever asks for it says "
        "that the person agrees, and the words are kept with it."
    )  # fmt: skip
    matting_engine: str = Field(
        "", description="An ONNX network of your own that tells people from grounds in the videos of avatars, such as "
        "`/models/rvm.onnx`; its licence is between you and its makers. Empty takes the built-in one."
    )  # fmt: skip

    # Voices
    user_voices_max: int = Field(30, ge=1, description="Cloned voices of one user.")
    voice_cloner: str = Field(
        "kokoro-table",
        description="What clones voices: the one that comes along, which needs no graphics card, or the name of an "
        "installed plug-in.",
    )

    speech_wait_s: float = Field(
        580, gt=0, description="Seconds that a call below `/v1/audio` waits for its work before it is given up and "
        "costs nothing."
    )  # fmt: skip
    recording_max_bytes: int = Field(
        200 * MB, gt=0, description="Largest recording that `/v1/audio/transcriptions` takes."
    )
    speech_url: str = Field(
        "", description="An OpenAI-compatible endpoint with voices of an outside vendor, such as "
        "`https://api.openai.com/v1`. Empty offers none."
    )  # fmt: skip
    speech_key: SecretStr = Field(SecretStr(""), description="Its key, where it wants one.")
    speech_model: str = Field("tts-1", description="Name of the model there.")
    speech_voices: list[str] = Field(
        default_factory=list, description="Voices there that are offered, each as `name:gender:language,language`, "
        "such as `alloy:female:en-US,es,de`."
    )  # fmt: skip
    speech_timeout_s: float = Field(60, gt=0, description="Seconds that the endpoint has for one sentence.")

    # Dubbing
    dubbing_max_s: float = Field(
        1800, gt=0, le=7200, description="Longest video or recording that is dubbed, in seconds. One takes about three "
        "times its length on one core; `task_time_limit_s` has to leave room for that."
    )  # fmt: skip
    dubbing_voice: Literal["ready", "clone"] = Field(
        "ready", description="Who speaks where a call names no voice: `ready` voices of the language, or clones of the "
        "people's own, which take minutes each."
    )  # fmt: skip
    translation_url: str = Field(
        "", description="An OpenAI-compatible endpoint that translates for dubbing, such as "
        "`http://127.0.0.1:11434/v1`. Empty translates on this machine, between the languages that it has."
    )  # fmt: skip
    translation_model: str = Field("", description="Name of the model there.")
    translation_key: SecretStr = Field(SecretStr(""), description="Its key, where it wants one.")

    # Money
    admin_name: str = Field("admin", description="Name of the first user, made at the first start.")
    admin_coins: int = Field(100_000, ge=0, description="Coins that the first user starts with.")
    user_coins: int = Field(0, ge=0, description="Coins that a new user starts with.")
    prices: dict[str, float] = Field(
        default_factory=dict, description="Prices that differ from the table in `docs/api.md`, such as "
        '`{"video": 2}`.'
    )  # fmt: skip

    # Webhooks
    webhook_attempts: int = Field(8, ge=1, description="Attempts at delivering one notice, further and further apart.")
    webhook_timeout_s: float = Field(10, gt=0, description="Seconds that a receiver has to answer.")

    # What says so
    content_credentials: bool = Field(
        True, description="Sign every result with Content Credentials (C2PA) that say it is synthetic."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then ``config.toml`` in the data folder."""
        home = init_settings().get("home") or default_home()
        file = TomlConfigSettingsSource(settings_cls, Path(str(home)) / "config.toml")
        return init_settings, env_settings, file

    @cached_property
    def database(self) -> str:
        """SQLAlchemy's address of the database."""
        if not self.database_url:
            return f"sqlite:///{self.home / 'avatarium.db'}"
        scheme, rest = self.database_url.split("://", 1)
        return f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else self.database_url

    @property
    def base_url(self) -> str:
        """Where clients reach the service, without a slash at the end."""
        host = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host  # noqa: S104
        return self.public_url.rstrip("/") or f"http://{host}:{self.port}"


def load_settings(**overrides: object) -> Settings:
    """Read the settings.

    Raises:
        OptionError: one of them has a value that it cannot have.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as problem:
        first = problem.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        raise OptionError(
            f"The setting AVATARIUM_{name.upper()} cannot be used: {first['msg']}.", code="bad_setting"
        ) from problem


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment in which another process finds these very settings."""
    given = settings.model_dump(include=settings.model_fields_set) | {"home": settings.home}
    return {**os.environ, **{f"AVATARIUM_{name.upper()}": _written(value) for name, value in given.items()}}


def _written(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, str | Path | int | float) else json.dumps(value)
