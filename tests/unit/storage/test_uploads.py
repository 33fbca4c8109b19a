"""What users bring, and what is kept of it."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from PIL import Image

from avatarium.clock import ManualClock
from avatarium.errors import (
    ForbiddenError,
    InputError,
    PictureError,
    RequestError,
    TooLargeError,
    UnavailableError,
)
from avatarium.settings import Settings
from avatarium.storage import Fetcher, Storage
from avatarium.storage.child import duration_apart, reencode_apart
from avatarium.storage.media import duration_s
from avatarium.storage.pictures import reencode
from avatarium.storage.uploads import Uploads
from tests.unit.storage import samples
from tests.unit.storage.webserver import Answer, Stranger, reply

ORIENTATION, MAKE = 0x0112, 0x010F
Serve = Callable[[Answer], Stranger]


@pytest.fixture
def uploads_for(settings: Settings, storage: Storage, fetcher_for: Callable[..., Fetcher]) -> Callable[..., Uploads]:
    """Uploads that may copy from one stranger."""
    return lambda stranger=None: Uploads(settings, storage, fetcher_for(stranger))


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def test_a_ticket_takes_one_file_and_shows_it(uploads_for: Callable[..., Uploads], storage: Storage) -> None:
    data = samples.picture()
    ticket = uploads_for().ticket(
        "anna", "../My portrait.png", media_type="image/png", size_bytes=len(data), base_url="https://host.example"
    )
    assert ticket.key.startswith("uploads/anna/") and ticket.key.endswith("/My-portrait.png")
    assert ticket.expires_in_s == 900
    assert urlsplit(ticket.upload_url).path == f"/files/{ticket.key}"
    claims = storage.check_upload(ticket.key, query_of(ticket.upload_url), media_type="image/png", size_bytes=len(data))
    storage.receive(ticket.key, [data], claims)
    assert storage.check_download(ticket.key, query_of(ticket.public_url)).media_type == "image/png"
    assert storage.key_of(ticket.public_url) == ticket.key


def test_the_public_address_lives_as_long_as_the_file(
    uploads_for: Callable[..., Uploads], storage: Storage, clock: ManualClock
) -> None:
    ticket = uploads_for().ticket("anna", "a.png", seconds=3600)
    clock.advance(3599)
    claims = storage.check_upload(ticket.key, query_of(ticket.upload_url), media_type=None, size_bytes=None)
    stored = storage.receive(ticket.key, [samples.picture()], claims)
    assert stored.expires_ms is not None
    clock.advance((stored.expires_ms - clock.now_ms()) / 1000 - 1)
    storage.check_download(ticket.key, query_of(ticket.public_url))


def test_two_tickets_never_meet(uploads_for: Callable[..., Uploads]) -> None:
    uploads = uploads_for()
    assert uploads.ticket("anna", "a.png").key != uploads.ticket("anna", "a.png").key


def test_a_ticket_of_one_user_writes_nothing_of_another(uploads_for: Callable[..., Uploads], storage: Storage) -> None:
    hers = uploads_for().ticket("anna", "a.png")
    his = hers.key.replace("/anna/", "/bert/")
    with pytest.raises(ForbiddenError) as refused:
        storage.check_upload(his, query_of(hers.upload_url), media_type=None, size_bytes=None)
    assert refused.value.code == "bad_signature"
    with pytest.raises(ValueError, match="not below"):
        storage.upload_url(hers.key, owner="bert", media_type=None, size_bytes=None, seconds=60)


@pytest.mark.parametrize(("asked", "given"), [(None, 900), (1, 60), (300, 300), (10**9, 86400)])
def test_how_long_a_ticket_is_valid(asked: float | None, given: int, uploads_for: Callable[..., Uploads]) -> None:
    assert uploads_for().ticket("anna", "a.png", seconds=asked).expires_in_s == given


def test_no_ticket_for_what_is_never_taken(uploads_for: Callable[..., Uploads], storage: Storage) -> None:
    uploads = uploads_for()
    for media_type in ("text/html", "image/svg+xml", "", "image/", "image/png\r\nX: y", "video/" + "a" * 200):
        with pytest.raises(RequestError) as refused:
            uploads.ticket("anna", "a", media_type=media_type)
        assert refused.value.code == "upload_type"
    with pytest.raises(RequestError):
        uploads.ticket("anna", "a", size_bytes=0)
    with pytest.raises(TooLargeError) as large:
        uploads.ticket("anna", "a", size_bytes=500_001)
    assert large.value.code == "too_large"
    storage.put("uploads/anna/x/y", bytes(900_000), owner="anna", media_type="video/mp4", expires_ms=None)
    with pytest.raises(TooLargeError) as full:
        uploads.ticket("anna", "a", size_bytes=200_000)
    assert full.value.code == "quota"


def test_a_picture_is_copied_anew(uploads_for: Callable[..., Uploads], storage: Storage, serve: Serve) -> None:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE] = 6, "Camera of Anna"
    buffer = io.BytesIO()
    Image.open(io.BytesIO(samples.picture(size=(64, 48)))).save(buffer, "JPEG", exif=exif)
    stranger = serve(reply(buffer.getvalue() + b"<script>hidden behind it</script>"))
    stored = uploads_for(stranger).transfer("anna", stranger.url)
    kept = b"".join(storage.read(stored.key))
    assert (stored.media_type, stored.owner) == ("image/jpeg", "anna")
    assert stored.key.endswith("/file.jpg")
    assert b"Camera of Anna" not in kept and b"<script>" not in kept
    assert Image.open(io.BytesIO(kept)).size == (48, 64)  # upright


def test_a_video_is_copied_as_it_is_and_measured(
    uploads_for: Callable[..., Uploads], storage: Storage, settings: Settings, serve: Serve
) -> None:
    data = samples.video("mp4", 2.0)
    stranger = serve(reply(data))
    stored = uploads_for(stranger).transfer("anna", stranger.url)
    assert b"".join(storage.read(stored.key)) == data
    assert stored.media_type == "video/mp4"
    assert stored.duration_s == pytest.approx(2.0, abs=0.1)
    assert list((settings.home / "incoming").iterdir()) == []


def test_a_damaged_file_is_not_copied(uploads_for: Callable[..., Uploads], storage: Storage, serve: Serve) -> None:
    for data in (samples.picture()[:60], samples.video("mp4")[:40]):
        stranger = serve(reply(data))
        with pytest.raises(RequestError) as refused:
            uploads_for(stranger).transfer("anna", stranger.url)
        assert refused.value.message.endswith(".")
    assert storage.used_bytes("anna") == 0


def test_an_upload_is_measured_when_it_is_asked_for(uploads_for: Callable[..., Uploads], storage: Storage) -> None:
    key = "uploads/anna/x/words.wav"
    storage.put(key, samples.sound("wav", 1.5), owner="anna", media_type="audio/wav", expires_ms=None)
    assert uploads_for().duration_s(key) == pytest.approx(1.5, abs=0.01)
    known = storage.info(key)
    assert known is not None and known.duration_s == pytest.approx(1.5, abs=0.01)
    storage.put("uploads/anna/x/a.png", samples.picture(), owner="anna", media_type="image/png", expires_ms=None)
    assert uploads_for().duration_s("uploads/anna/x/a.png") is None


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("GIF", "image/png"), ("WEBP", "image/jpeg")])
def test_pictures_are_written_anew(kind: str, media_type: str, tmp_path: Path) -> None:
    cleaned = reencode(samples.written(tmp_path / "in", samples.picture(kind)), tmp_path / "out")
    assert (cleaned.media_type, cleaned.width, cleaned.height) == (media_type, 64, 48)
    with Image.open(tmp_path / "out") as made:
        assert made.size == (64, 48)


def test_transparency_stays(tmp_path: Path) -> None:
    Image.new("RGBA", (32, 32), (255, 0, 0, 128)).save(tmp_path / "in.webp", lossless=True)
    assert reencode(tmp_path / "in.webp", tmp_path / "out").media_type == "image/png"
    with Image.open(tmp_path / "out") as made:
        assert made.getpixel((5, 5)) == (255, 0, 0, 128)


def test_a_decompression_bomb_stays_packed(tmp_path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    assert (tmp_path / "bomb.png").stat().st_size < 100_000
    with pytest.raises(PictureError) as refused:
        reencode(tmp_path / "bomb.png", tmp_path / "out")
    assert refused.value.code == "picture_too_large"
    with pytest.raises(RequestError) as apart:
        reencode_apart(tmp_path / "bomb.png", tmp_path / "out")
    assert apart.value.code == "picture_too_large"


@pytest.mark.parametrize("container", ["mp4", "webm", "matroska", "avi", "mpegts"])
def test_lengths_of_videos(container: str, tmp_path: Path) -> None:
    path = samples.written(tmp_path / "clip", samples.video(container, 2.0))
    assert duration_s(path) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("container", ["wav", "mp3", "flac", "ogg", "ipod", "adts", "webm"])
def test_lengths_of_sounds(container: str, tmp_path: Path) -> None:
    path = samples.written(tmp_path / "clip", samples.sound(container, 2.0))
    assert duration_s(path) == pytest.approx(2.0, abs=0.15)


def test_a_length_that_no_head_tells_is_counted(tmp_path: Path) -> None:
    """As browsers record: WebM that is written as it comes, without a length."""
    data = samples.sound("webm", 2.0)
    at = data.find(b"\x44\x89")  # the element Duration
    assert at > 0
    path = samples.written(tmp_path / "clip", data[:at] + b"\xec\x89" + data[at + 2 :])  # Void in its place
    assert duration_s(path) == pytest.approx(2.0, abs=0.15)


def test_what_has_no_length(tmp_path: Path) -> None:
    path = samples.written(tmp_path / "clip", b"ffconcat version 1.0\nfile /etc/passwd\n")
    with pytest.raises(InputError):
        duration_s(path)
    with pytest.raises(RequestError):
        duration_apart(path)


def test_a_child_that_dies_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RequestError) as refused:
        duration_apart(tmp_path / "clip")
    assert refused.value.code == "media_unreadable"


def test_the_child_ran_python_files_of_the_current_folder_and_knew_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = samples.written(tmp_path / "clip", samples.video("mp4", 2.0))
    (tmp_path / "resource.py").write_text("raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    assert duration_apart(path) == pytest.approx(2.0, abs=0.1)
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\nenv > {tmp_path / 'told'}\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setenv("AVATARIUM_DATABASE_URL", "postgresql://secret")
    with pytest.raises(RequestError):
        duration_apart(path)
    told = (tmp_path / "told").read_text()
    assert "PATH=" in told and "secret" not in told


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_full_disk_in_the_child_was_blamed_on_the_file(kind: str, tmp_path: Path) -> None:
    source = samples.written(tmp_path / "in", samples.picture(kind))
    with pytest.raises(UnavailableError) as full:
        reencode_apart(source, Path("/dev/full"))
    assert (full.value.code, full.value.retry_after_s) == ("storage_full", 60)


def test_the_child_loaded_the_database_to_write_a_picture(tmp_path: Path) -> None:
    source = samples.written(tmp_path / "in", samples.picture())
    code = (
        "import sys\nfrom avatarium.storage import child\n"
        f"print('error' in child._answer(['reencode', {str(source)!r}, {str(tmp_path / 'out')!r}]))\n"
        "print([name for name in ('sqlalchemy', 'pydantic', 'requests', 'cryptography') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split("\n")[:2] == ["False", "[]"]


def test_the_room_loads_no_media_library() -> None:
    code = (
        "import sys, avatarium.storage, avatarium.storage.uploads\n"
        "print([name for name in ('numpy', 'PIL', 'av', 'cv2', 'obstore') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
