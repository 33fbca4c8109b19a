"""Files behind signed addresses: parts, validators, and what browsers may do with them."""

from __future__ import annotations

import hashlib
import io
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from avatarium.api.ranges import Part, UnsatisfiableError, part_wanted
from tests.unit.api.kit import House
from tests.unit.storage import samples

BYTES = bytes(range(256)) * 40
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


@pytest.fixture
def address(installation: House) -> str:
    """Of a video."""
    return _stored(installation, "clip.mp4", "video/mp4")


def test_a_signed_address_opens_without_a_key(stranger: TestClient, address: str) -> None:
    answer = stranger.get(address)
    assert answer.status_code == 200
    assert answer.content == BYTES
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Length"] == str(len(BYTES))
    assert answer.headers["Content-Disposition"] == 'inline; filename="clip.mp4"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_a_head_tells_the_same_without_the_bytes(stranger: TestClient, address: str) -> None:
    answer, whole = stranger.head(address), stranger.get(address)
    assert answer.content == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified"):
        assert answer.headers[name] == whole.headers[name]


def test_a_changed_signature_is_403_and_an_old_one_too(installation: House, stranger: TestClient, address: str) -> None:
    assert stranger.get(address[:-1] + ("0" if address[-1] != "0" else "1")).json()["reason"] == "bad_signature"
    assert stranger.get(urlsplit(address).path).json()["reason"] == "bad_signature"
    assert stranger.get(address.replace("clip", "klip")).status_code == 403
    installation.clock.advance(3601)
    old = stranger.get(address)
    assert (old.status_code, old.json()["reason"]) == (403, "url_expired")


def test_a_file_that_is_gone_is_404(installation: House, stranger: TestClient, address: str) -> None:
    installation.platform.storage.delete("results/u1/t1/clip.mp4")
    assert stranger.get(address).json()["reason"] == "file_gone"


@pytest.mark.parametrize(
    "path", ["/files/../secret", "/files/%2e%2e/secret", "/files//etc/passwd", "/files/", "/FILES/a"]
)
def test_no_path_leads_elsewhere(stranger: TestClient, path: str) -> None:
    assert stranger.get(path).status_code in (403, 404)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=10000-", 10000, 10240),
        ("bytes=-100", 10140, 10240),
        ("bytes=-99999", 0, 10240),
        ("bytes=5-99999", 5, 10240),
    ],
)
def test_a_range_is_206(stranger: TestClient, address: str, asked: str, start: int, end: int) -> None:
    answer = stranger.get(address, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == BYTES[start:end]
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(BYTES)}"
    assert answer.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=99999-100000", "bytes=-0"])
def test_a_range_behind_the_end_is_416(stranger: TestClient, address: str, asked: str) -> None:
    answer = stranger.get(address, headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(BYTES)}"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,4-5", "lines=1-2", "bytes=5-1", "bytes=-", "bytes=x-", "bytes=" + "9" * 50 + "-"]
)
def test_other_ranges_are_ignored(stranger: TestClient, address: str, asked: str) -> None:
    assert stranger.get(address, headers={"Range": asked}).content == BYTES


def test_if_range_gives_the_part_only_of_the_same_file(stranger: TestClient, address: str) -> None:
    head = stranger.head(address).headers
    for same in (head["ETag"], head["Last-Modified"]):
        assert stranger.get(address, headers={"Range": "bytes=0-9", "If-Range": same}).status_code == 206
    for other in ('"other"', f"W/{head['ETag']}", "Mon, 01 Jan 2001 00:00:00 GMT", "nonsense"):
        assert stranger.get(address, headers={"Range": "bytes=0-9", "If-Range": other}).status_code == 200


def test_what_a_browser_has_is_304(stranger: TestClient, address: str) -> None:
    head = stranger.head(address).headers
    for condition in (
        {"If-None-Match": head["ETag"]},
        {"If-None-Match": f'"x", W/{head["ETag"]}'},
        {"If-Modified-Since": head["Last-Modified"]},
    ):
        answer = stranger.get(address, headers=condition)
        assert (answer.status_code, answer.content) == (304, b"")
    assert stranger.get(address, headers={"If-None-Match": '"x"'}).status_code == 200
    assert stranger.get(address, headers={"If-Modified-Since": "nonsense"}).status_code == 200


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/octet-stream"])
def test_what_is_no_media_runs_nowhere(installation: House, stranger: TestClient, media_type: str) -> None:
    headers = stranger.get(_stored(installation, "page.html", media_type)).headers
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["Content-Security-Policy"].startswith("sandbox")


def test_media_can_be_asked_for_as_a_download(stranger: TestClient, address: str) -> None:
    assert stranger.get(f"{address}&download=1").headers["Content-Disposition"].startswith("attachment")


def test_upload_by_a_signed_address_and_read_it_back(client: TestClient, stranger: TestClient) -> None:
    wanted = {"key": "My photo.png", "contentType": "image/png", "contentLength": len(PNG)}
    made = client.post("/api/v1/r2/upload-presigned-url", json=wanted).json()["data"]
    put = stranger.put(made["uploadUrl"], content=PNG, headers={"Content-Type": "image/png"})
    assert put.status_code == 200, put.text
    assert put.json()["code"] == 0
    assert stranger.get(made["cdnUrl"]).content == PNG
    assert made["key"].endswith("/My-photo.png")
    assert made["bucket"] == "3days-apac"


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (PNG, "image/jpeg", "wrong_type"),
        (PNG + b"x", "image/png", "wrong_size"),
        (PNG[:-1], "image/png", "wrong_size"),
        (b"<html>" + b" " * 102, "image/png", "upload_type"),
    ],
)
def test_uploads_that_were_not_announced_are_refused(
    client: TestClient, stranger: TestClient, body: bytes, content_type: str, reason: str
) -> None:
    wanted = {"key": "a.png", "contentType": "image/png", "contentLength": len(PNG)}
    made = client.post("/api/v1/r2/get_upload_presigned_url", json=wanted).json()["data"]
    answer = stranger.put(made["uploadUrl"], content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)
    assert answer.headers["Connection"] == "close"
    assert stranger.get(made["cdnUrl"]).status_code == 404


def test_uploads_come_in_pieces_of_any_length(client: TestClient, stranger: TestClient) -> None:
    made = client.post("/api/v1/r2/upload-presigned-url", json={"key": "a.bin"}).json()["data"]
    pieces = [hashlib.sha256(bytes([n])).digest() * n for n in range(1, 60)]
    assert stranger.put(made["uploadUrl"], content=iter(pieces)).status_code == 200
    assert stranger.get(made["cdnUrl"]).content == b"".join(pieces)


def test_an_upload_address_takes_one_file(client: TestClient, stranger: TestClient) -> None:
    made = client.post("/api/v1/r2/upload-presigned-url", json={"key": "a.png"}).json()["data"]
    answers = [stranger.put(made["uploadUrl"], content=body) for body in (PNG, PNG, PNG + b"more")]
    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert answers[0].json()["data"] == answers[1].json()["data"]
    assert answers[2].json()["reason"] == "already_uploaded"
    assert stranger.get(made["cdnUrl"]).content == PNG


def test_an_address_for_reading_does_not_write_and_the_other_way_round(
    client: TestClient, stranger: TestClient
) -> None:
    made = client.post("/api/v1/r2/upload-presigned-url", json={"key": "a.png"}).json()["data"]
    assert stranger.put(made["cdnUrl"], content=PNG).status_code == 403
    assert stranger.get(made["uploadUrl"]).status_code == 403


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({"key": "a", "expiresIn": 59}, 400),
        ({"key": ""}, 400),
        ({"key": "a", "contentType": "no type\r\nX: y"}, 400),
        ({"key": "a", "fileSize": 0}, 400),
        ({"key": "a", "fileSize": 10**12}, 413),
        ({"key": "../../etc/passwd", "urlPrefix": "adam2eve", "cdnDomain": "x", "type": "image"}, 200),
    ],
)
def test_what_can_be_presigned(client: TestClient, wanted: dict[str, object], status: int) -> None:
    assert client.post("/api/v1/r2/upload-presigned-url", json=wanted).status_code == status


def test_a_url_of_ours_is_copied_into_the_storage(installation: House, client: TestClient) -> None:
    made = client.post("/api/v1/r2/upload-presigned-url", json={"key": "mine.png"}).json()["data"]
    client.put(made["uploadUrl"], content=samples.picture(size=(32, 24)))
    copied = client.post("/api/v1/tos/transferToStorage", json={"url": made["cdnUrl"]}).json()["data"]
    assert copied["url"] != made["cdnUrl"]
    assert urlsplit(copied["url"]).path.endswith("/mine.png")
    assert Image.open(io.BytesIO(client.get(copied["url"]).content)).size == (32, 24)


def test_what_is_no_picture_is_not_copied(installation: House, client: TestClient) -> None:
    """It begins like one: only reading it tells."""
    made = client.post("/api/v1/r2/upload-presigned-url", json={"key": "mine.png"}).json()["data"]
    client.put(made["uploadUrl"], content=PNG)
    refused = client.post("/api/v1/tos/transferToStorage", json={"url": made["cdnUrl"]})
    assert refused.status_code == 400
    assert refused.json()["msg"]
    assert not list((installation.platform.settings.home / "incoming").iterdir())


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x", "http://169.254.169.254/latest", "file:///etc/passwd", "data:,x", "http://[::1", "x"]
)
def test_no_url_leads_inside(client: TestClient, url: str) -> None:
    assert client.post("/api/v1/tos/transferToStorage", json={"url": url}).status_code == 400


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    asked=st.one_of(st.text(max_size=30), st.from_regex(r"bytes=\d{0,6}-\d{0,6}", fullmatch=True)),
    size=st.integers(0, 9999),
)
def test_a_part_always_lies_within_the_file(asked: str, size: int) -> None:
    headers = Headers({"Range": asked.encode("ascii", "ignore").decode()})
    try:
        part = part_wanted(headers, size_bytes=size, etag="e", modified_ms=0)
    except UnsatisfiableError:
        return
    assert part is None or (0 <= part.start < part.end <= size and isinstance(part, Part))


def _stored(made: House, name: str, media_type: str) -> str:
    key = f"results/u1/t1/{name}"
    made.platform.storage.put(key, BYTES, owner="u1", media_type=media_type, expires_ms=None)
    return made.platform.storage.url(key, base_url="http://testserver", seconds=3600)
