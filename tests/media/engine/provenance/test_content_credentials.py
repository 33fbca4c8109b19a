"""Credentials in real files: what they say, that the files still play, and that a change is seen."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from avatarium.engine.provenance import Action, Credentials, Signer, SourceType, read
from avatarium.engine.provenance.chain import open_chain
from avatarium.engine.video import VideoWriter, read_frames, read_sound
from avatarium.errors import InputError, OutputError


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer.open(tmp_path / "keys")


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with a tone."""
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    with VideoWriter(path, width=160, height=120, rate=24000) as writer:
        writer.write_sound(0.3 * np.sin(np.arange(48000) / 10).astype(np.float32))
        for number in range(50):
            writer.write(np.full((120, 160, 3), (number * 4, 90, 120), np.uint8))
    return path


def _files(tmp_path: Path, film: Path, media: Path) -> dict[str, Path]:
    """One file of each kind, under names that tell nothing."""
    made = {"mp4": tmp_path / "1", "wav": tmp_path / "2", "flac": tmp_path / "3"}
    for kind, source in (
        ("mp4", film),
        ("wav", media / "speech" / "en-radio-1.wav"),
        ("flac", media / "speech" / "en-jfk.flac"),
    ):
        shutil.copyfile(source, made[kind])
    photo = Image.open(media / "portraits" / "man-glasses.jpg")
    for kind in ("jpeg", "png", "webp"):
        made[kind] = tmp_path / f"picture-{kind}"
        photo.save(made[kind], format=kind)
    photo.close()
    made["mp3"] = tmp_path / "4"
    _write_sound(made["mp3"])
    return made


def _write_sound(path: Path) -> None:
    with av.open(str(path), "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=44100, layout="mono")
        tone = 0.3 * np.sin(np.arange(1152 * 40) / 9).astype(np.float32)
        for at in range(0, len(tone), 1152):
            frame = av.AudioFrame.from_ndarray(tone[None, at : at + 1152], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44100, at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _read(path: Path, signer: Signer) -> Credentials:
    found = read(path, folder=signer.folder)
    assert found is not None
    return found


def test_every_kind_tells_who_made_it_and_how(tmp_path: Path, film: Path, media: Path, signer: Signer) -> None:
    for kind, path in _files(tmp_path, film, media).items():
        assert read(path, folder=signer.folder) is None
        before = path.stat().st_size
        assert signer.sign(path, title="A greeting", engine="hibari", source_type=SourceType.TRAINED), kind
        assert path.stat().st_size - before < 5000
        found = _read(path, signer)
        assert found.valid and found.trusted and not found.problems, kind
        assert (found.title, found.engines, found.actions) == ("A greeting", ("hibari",), ("c2pa.created",))
        assert found.generator.startswith("Avatarium ") and found.signer == "Avatarium signer"
        assert [kind.rsplit("/")[-1] for kind in found.source_types] == ["trainedAlgorithmicMedia"]


def test_a_signed_film_plays_as_before_and_still_while_it_loads(tmp_path: Path, film: Path, signer: Signer) -> None:
    signed = tmp_path / "signed.mp4"
    shutil.copyfile(film, signed)
    signer.sign(signed, title="t", engine="e")
    for before, after in zip(read_frames(film), read_frames(signed), strict=True):
        assert np.array_equal(before, after)
    assert np.array_equal(read_sound(film).samples, read_sound(signed).samples)
    content = signed.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_signed_pictures_and_sounds_are_what_they_were(tmp_path: Path, film: Path, media: Path, signer: Signer) -> None:
    files = _files(tmp_path, film, media)
    for kind in ("jpeg", "png", "webp"):
        with Image.open(files[kind]) as image:
            before = np.asarray(image)
        signer.sign(files[kind], title="t", engine="e")
        with Image.open(files[kind]) as image:
            assert np.array_equal(before, np.asarray(image))
    for kind in ("wav", "flac", "mp3"):
        sound = read_sound(files[kind]).samples
        signer.sign(files[kind], title="t", engine="e")
        assert np.array_equal(sound, read_sound(files[kind]).samples)


def test_one_changed_bit_is_seen(tmp_path: Path, film: Path, media: Path, signer: Signer) -> None:
    for kind, path in _files(tmp_path, film, media).items():
        signer.sign(path, title="t", engine="e")
        content = bytearray(path.read_bytes())
        content[-40 if kind != "mp4" else content.index(b"mdat") + 500] ^= 1
        path.write_bytes(content)
        found = _read(path, signer)
        assert not found.valid and not found.trusted, kind
        assert any("mismatch" in problem for problem in found.problems), kind


def test_an_edit_names_what_it_was_made_from(tmp_path: Path, film: Path, signer: Signer) -> None:
    parent, edited = tmp_path / "original.mp4", tmp_path / "edited.mp4"
    for path in (parent, edited):
        shutil.copyfile(film, path)
    signer.sign(parent, title="Original", engine="photo actor")
    assert signer.sign(edited, title="Marked", engine="watermark", action=Action.EDITED, parent=parent)
    found = _read(edited, signer)
    assert found.valid and found.actions == ("c2pa.opened", "c2pa.edited")
    assert found.ingredients == ("original.mp4",)


def test_an_edit_of_a_file_unknown_or_broken_is_signed_all_the_same(
    tmp_path: Path, film: Path, media: Path, signer: Signer
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes((media / "portraits" / "man-glasses.jpg").read_bytes()[:300])
    for parent in (None, media / "talking-videos" / "grid-bbaf2n.mpg", broken):
        edited = tmp_path / "edited.mp4"
        shutil.copyfile(film, edited)
        assert signer.sign(edited, title="t", engine="e", action=Action.EDITED, source_type=None, parent=parent)
        found = _read(edited, signer)
        assert found.valid and found.actions[-1] == "c2pa.edited", parent
        assert found.source_types == ()


def test_credentials_of_a_webm_lie_beside_it_and_see_a_change(tmp_path: Path, signer: Signer) -> None:
    webm, beside = tmp_path / "film.webm", tmp_path / "film.webm.c2pa"
    with VideoWriter(webm, width=64, height=64, rate=None) as writer:
        for level in range(10):
            writer.write(np.full((64, 64, 3), 20 * level, np.uint8))
    before = webm.read_bytes()
    assert signer.sign_beside(webm, beside, title="Film", engine="the actor", source_type=SourceType.COMPOSITE)
    assert webm.read_bytes() == before
    found = read(webm, folder=signer.folder, beside=beside)
    assert found is not None and found.trusted and found.problems == ()
    assert (found.title, found.engines, found.actions) == ("Film", ("the actor",), ("c2pa.created",))
    assert found.source_types == (SourceType.COMPOSITE,)
    assert read(webm) is None
    webm.write_bytes(before[:-20] + bytes([before[-20] ^ 1]) + before[-19:])
    changed = read(webm, folder=signer.folder, beside=beside)
    assert changed is not None and not changed.valid and changed.problems == ("assertion.dataHash.mismatch",)
    assert not signer.sign_beside(beside, tmp_path / "no.c2pa", title="", engine="")


def test_webm_and_mpeg_stay_unsigned_and_untouched(tmp_path: Path, media: Path, signer: Signer) -> None:
    webm, mpeg = tmp_path / "film.webm", tmp_path / "film.mpg"
    with VideoWriter(webm, width=64, height=64, rate=None) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
    shutil.copyfile(media / "talking-videos" / "grid-bbaf2n.mpg", mpeg)
    for path in (webm, mpeg):
        before = path.read_bytes()
        assert signer.sign(path, title="t", engine="e") is False
        assert path.read_bytes() == before and read(path) is None


def test_strangers_are_not_trusted(tmp_path: Path, film: Path, signer: Signer) -> None:
    path, other = tmp_path / "film.mp4", Signer.open(tmp_path / "other keys")
    shutil.copyfile(film, path)
    other.sign(path, title="t", engine="e")
    for folder in (signer.folder, None):
        found = read(path, folder=folder)
        assert found is not None and found.valid and not found.trusted
    assert _read(path, other).trusted


def test_what_cannot_be_signed_leaves_the_file_alone(tmp_path: Path, film: Path, signer: Signer) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(film.read_bytes()[:300])
    before = cut.read_bytes()
    with pytest.raises(InputError) as caught:
        signer.sign(cut, title="t", engine="e")
    assert caught.value.code == "media_unreadable"
    assert cut.read_bytes() == before and not list(tmp_path.glob(".*.part"))
    with pytest.raises(InputError) as caught:
        signer.sign(tmp_path / "none.mp4", title="t", engine="e")
    assert caught.value.code == "media_missing"


def test_keys_are_for_their_owner_alone_and_stay(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "keys"
    first, second = Signer.open(folder), Signer.open(folder)
    assert first.chain.leaf.certificate == second.chain.leaf.certificate
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.glob("*.pem")} == {
        "root.pem": 0o600,
        "leaf.pem": 0o600,
    }
    assert folder.stat().st_mode & 0o777 == 0o700
    (public,) = folder.glob("roots/*.pem")
    assert b"PRIVATE" not in public.read_bytes()


def test_certificates_are_renewed_long_before_they_end(tmp_path: Path, film: Path) -> None:
    folder, path, now = tmp_path / "keys", tmp_path / "film.mp4", datetime.now(UTC)
    shutil.copyfile(film, path)
    old = Signer.open(folder)
    old.sign(path, title="t", engine="e")
    in_four, in_six, in_twenty_six = (open_chain(folder, now + timedelta(days=365 * years)) for years in (4, 6, 26))
    assert in_four.leaf.certificate == old.chain.leaf.certificate
    assert in_six.leaf.certificate != old.chain.leaf.certificate
    assert in_six.root.certificate == old.chain.root.certificate
    assert in_twenty_six.root.certificate != old.chain.root.certificate
    # What the first root signed is still traced to it.
    found = read(path, folder=folder)
    assert found is not None and found.trusted


def test_a_damaged_key_is_said(tmp_path: Path, signer: Signer) -> None:
    (signer.folder / "leaf.pem").write_text("-----BEGIN PRIVATE KEY-----\nnonsense\n")
    with pytest.raises(OutputError, match="damaged") as caught:
        Signer.open(signer.folder)
    assert caught.value.code == "credentials_damaged"
    (tmp_path / "file").touch()
    with pytest.raises(OutputError) as caught:
        Signer.open(tmp_path / "file")
    assert caught.value.code == "credentials_folder"


def test_processes_that_open_a_folder_at_once_get_the_same_keys(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from avatarium.engine.provenance.chain import open_chain; "
        "chain = open_chain(Path(sys.argv[1])); "
        "print(chain.leaf.certificate.serial_number, chain.root.certificate.serial_number)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "keys")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = {process.communicate(timeout=60)[0] for process in started}
    assert len(answers) == 1 and all(process.returncode == 0 for process in started)
    assert len(list((tmp_path / "keys" / "roots").iterdir())) == 1


def test_threads_share_a_signer(tmp_path: Path, film: Path, signer: Signer) -> None:
    paths = [tmp_path / f"{number}.mp4" for number in range(8)]
    for path in paths:
        shutil.copyfile(film, path)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda path: signer.sign(path, title=path.name, engine="e"), paths))
    assert [_read(path, signer).title for path in paths] == [path.name for path in paths]
