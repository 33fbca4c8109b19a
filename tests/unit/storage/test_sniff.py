"""What files are, by their bytes."""

from __future__ import annotations

import gzip
import io
import zipfile

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.storage.sniff import HEAD_BYTES, Kind, described, sniff
from tests.unit.storage import samples

TEXTS = {
    "a playlist (m3u8)": "#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
    "a list of files (ffconcat)": "ffconcat version 1.0\nfile /etc/passwd\n",
    "a web page (HTML)": "<!DOCTYPE html><html><body>Not found</body></html>",
    "a drawing (SVG)": '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>',
    "a text (XML)": '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "a text (JSON)": '{"error": "gone"}',
    "a text": "file_path: clip.mp4",
}


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("clip.mp4", bytes(1_000_000))
    return buffer.getvalue()


@pytest.mark.parametrize("container", samples.VIDEOS)
def test_videos(container: str) -> None:
    data = samples.video(container)
    found = sniff(data[:HEAD_BYTES])
    assert found is not None
    assert found.kind is Kind.VIDEO
    with av.open(io.BytesIO(data), format=found.format) as opened:
        assert opened.streams.video


@pytest.mark.parametrize("container", samples.SOUNDS)
def test_sounds(container: str) -> None:
    data = samples.sound(container)
    found = sniff(data[:HEAD_BYTES])
    assert found is not None
    assert found.kind is Kind.SOUND
    with av.open(io.BytesIO(data), format=found.format) as opened:
        assert opened.streams.audio


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_pictures(kind: str) -> None:
    found = sniff(samples.picture(kind))
    assert found is not None
    assert (found.kind, found.format) == (Kind.PICTURE, kind.lower())


@pytest.mark.parametrize("words", TEXTS)
@pytest.mark.parametrize("mark", ["", "\ufeff", "\n  "])
def test_texts_are_no_media(words: str, mark: str) -> None:
    for encoding in ("utf-8", "utf-16"):
        data = (mark + TEXTS[words]).encode(encoding)
        assert sniff(data) is None
    assert described((mark + TEXTS[words]).encode()) == words


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (zipped(), "an archive (ZIP)"),
        (gzip.compress(bytes(1_000_000)), "an archive (GZIP)"),
        (b"%PDF-1.7\n", "a document (PDF)"),
        (b"\x00\x01\x02\x03" * 100, "a file of an unknown kind"),
    ],
)
def test_other_files_are_no_media(data: bytes, words: str) -> None:
    assert sniff(data) is None
    assert described(data) == words


@given(st.binary(max_size=2000))
def test_any_bytes_are_judged(data: bytes) -> None:
    found = sniff(data)
    assert found is None or found.kind in (Kind.PICTURE, Kind.SOUND, Kind.VIDEO)
    assert described(data)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=400))
def test_no_text_is_taken_for_a_media_file_that_opens_others(text: str) -> None:
    for start in ("#EXTM3U\n", "ffconcat version 1.0\n", "<html>"):
        assert sniff((start + text).encode()) is None
