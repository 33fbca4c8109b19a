"""A clip of six seconds dubbed, and what a listener and a viewer would notice, by instruments that did not make it."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.dubbing import Dubbed, DubDocument, Stems, choose_voices, hear, render
from avatarium.engine.speech.activity import RATE, probabilities, stretches
from avatarium.engine.speech.separation import RATE as STEM_RATE
from avatarium.engine.speech.separation import read_stem
from avatarium.engine.speech.speakers import find_voice
from avatarium.engine.speech.transcription import transcriber
from avatarium.engine.translation.routes import has_way
from avatarium.engine.video.probe import probe
from avatarium.engine.video.sound import read_sound
from avatarium.errors import AudioError, InputError, OptionError

pytestmark = pytest.mark.long
CLIP = "talking-videos/man-suit-700.mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    media: Path
    folder: Path
    document: DubDocument
    dubbed: Dubbed


@pytest.fixture(scope="module")
def scene(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("dub")
    clip = media / CLIP
    document = hear(clip, folder, target_language="pt", speakers=1)
    stems = Stems.in_folder(folder)
    cast = choose_voices(document, stems, folder=folder)
    dubbed = render(document, clip, stems, folder / "out.mp4", voices=cast.voices, folder=folder)
    return Scene(media=clip, folder=folder, document=document, dubbed=dubbed)


def mixed(scene: Scene) -> NDArray[np.float32]:
    with wave.open(str(scene.folder / "mixed.wav")) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(np.float32) / 32768


def outside(scene: Scene) -> list[tuple[float, float]]:
    """Moments in which nobody speaks, before or after the dubbing."""
    busy = [(s.start_s - 0.2, s.end_s + 0.2) for s in scene.document.segments]
    busy += [(s.start_s - 0.2, s.end_s + 0.2) for s in scene.dubbed.segments]
    starts = np.arange(0, scene.dubbed.seconds - 0.3, 0.1)
    return [(a, a + 0.3) for a in starts.tolist() if not any(low < a + 0.3 and high > a for low, high in busy)]


def frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def test_what_was_said_was_heard_and_translated(scene: Scene) -> None:
    assert scene.document.source_language == "en"
    assert "asking for help" in scene.document.segments[0].text
    assert "ajuda" in scene.document.segments[0].translation


def test_a_man_is_dubbed_by_a_man(scene: Scene) -> None:
    assert scene.document.speakers[0].gender is find_voice("kokoro-alex-pt").gender


def test_the_video_keeps_its_length_size_and_rate(scene: Scene) -> None:
    before, after = probe(scene.media), probe(scene.dubbed.path)
    assert (after.width, after.height) == (before.width, before.height)
    assert after.duration_s == pytest.approx(before.duration_s, abs=0.1)
    assert sum(1 for _ in frames(scene.dubbed.path)) == sum(1 for _ in frames(scene.media))


def test_segments_are_heard_where_the_original_was(scene: Scene) -> None:
    sound = read_sound(scene.dubbed.path, RATE).samples
    heard = stretches(probabilities([sound / np.abs(sound).max() * 0.5]))
    for segment in scene.document.segments:
        assert min(abs(stretch.start_s - segment.start_s) for stretch in heard) < 0.2


def test_the_dub_is_understood(scene: Scene) -> None:
    first = scene.document.segments[0]
    sound = read_sound(scene.dubbed.path, 16_000).samples
    heard = transcriber().transcribe(sound[: round((first.end_s + 0.8) * 16_000)], "pt")
    assert heard is not None and heard.language == "pt"
    assert "pedir ajuda" in heard.text


def test_the_background_outside_speech_is_the_original(scene: Scene) -> None:
    now = mixed(scene).mean(axis=1)
    was = read_sound(scene.media, STEM_RATE).samples
    assert outside(scene)
    for low, high in outside(scene):
        a, b = round(low * STEM_RATE), round(high * STEM_RATE)
        before, after = was[a:b].std(), now[a:b].std()
        assert abs(20 * np.log10(max(after, 1e-6) / max(before, 1e-6))) < 1.0


def test_the_old_voice_is_gone(scene: Scene) -> None:
    first = scene.document.segments[0]
    sound = mixed(scene).mean(axis=1)[: round(first.end_s * STEM_RATE)]
    old = read_stem(Stems.in_folder(scene.folder).voice).mean(axis=1)[: len(sound)]
    alike = float(sound @ old / np.sqrt((sound @ sound) * (old @ old)))
    assert abs(alike) < 0.15


def test_lips_move_and_the_rest_of_the_picture_stays(scene: Scene) -> None:
    changed_at_mouth = []
    assert scene.dubbed.lips
    for before, after in zip(frames(scene.media), frames(scene.dubbed.path), strict=True):
        apart = np.abs(before.astype(np.int16) - after)
        assert apart[: before.shape[0] // 4].mean() < 2.0  # above the eyes only the encoding differs
        changed_at_mouth.append(float(apart[before.shape[0] // 3 :].max(axis=2).max()))
    assert np.mean(np.array(changed_at_mouth) > 60) > 0.3


def test_without_lips_every_packet_of_the_picture_stays(scene: Scene, tmp_path: Path) -> None:
    stems = Stems.in_folder(scene.folder)
    voices = choose_voices(scene.document, stems, folder=scene.folder).voices
    out = tmp_path / "out.mp4"
    made = render(scene.document, scene.media, stems, out, voices=voices, folder=scene.folder, lips=False)
    assert not made.lips
    assert packets(out) == packets(scene.media)
    sound = read_sound(out, RATE)
    assert sound.duration_s == pytest.approx(scene.dubbed.seconds, abs=0.1)


def test_subtitles_of_both_languages(scene: Scene) -> None:
    assert "asking for help" in " ".join(scene.dubbed.srt_source.split())
    assert "pedir ajuda" in " ".join(scene.dubbed.srt_target.split())


def test_only_what_changed_is_spoken_anew(scene: Scene, tmp_path: Path) -> None:
    other = scene.document.with_translations({"1": "Peço ajuda quando preciso de alguma."})
    stems = Stems.in_folder(scene.folder)
    voices = choose_voices(other, stems, folder=scene.folder).voices
    sound = tmp_path / "out.mp3"
    again = render(scene.document, scene.media, stems, sound, voices=voices, folder=scene.folder)
    assert again.made == 0
    changed = render(other, scene.media, stems, sound, voices=voices, folder=scene.folder)
    assert 1 <= changed.made <= 2
    assert sound.stat().st_size > 10_000


def test_a_voice_of_another_language_is_refused_by_name(scene: Scene) -> None:
    speaker = replace(scene.document.speakers[0], voice="kokoro-heart")
    document = replace(scene.document, speakers=(speaker,))
    with pytest.raises(OptionError, match="kokoro-heart does not speak pt") as refused:
        choose_voices(document, Stems.in_folder(scene.folder), folder=scene.folder)
    assert refused.value.code == "voice_language"


def test_too_little_speech_for_a_clone_takes_a_ready_voice_and_says_so(scene: Scene) -> None:
    document = replace(scene.document, speakers=(replace(scene.document.speakers[0], voice="clone"),))
    cast = choose_voices(document, Stems.in_folder(scene.folder), folder=scene.folder)
    assert cast.voices["s1"].language.startswith("pt")
    assert "ready voice" in cast.notes[0]


def test_a_video_without_sound_is_refused_in_words(media: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sound track") as refused:
        hear(media / "talking-videos/man-greenscreen-512.mp4", tmp_path, target_language="pt")
    assert refused.value.code == "media_silent"


def test_music_alone_is_refused_in_words(tmp_path: Path) -> None:
    t = np.arange(4 * 44_100) / 44_100
    chord = sum(np.sin(2 * np.pi * f * t) * np.exp(-2 * (t % 0.5)) for f in (220, 277, 330, 440)) / 8
    with wave.open(str(tmp_path / "music.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes((chord * 30000).astype("<i2").tobytes())
    with pytest.raises(AudioError, match="Nobody speaks") as refused:
        hear(tmp_path / "music.wav", tmp_path, target_language="pt")
    assert refused.value.code == "no_speech"


def test_a_pair_that_is_not_to_be_had_is_refused_before_any_work(media: Path, tmp_path: Path) -> None:
    assert not has_way("en", "ja")
    with pytest.raises(OptionError) as refused:
        hear(media / CLIP, tmp_path, source_language="en", target_language="ja")
    assert refused.value.code == "no_translation"
    assert not Stems.in_folder(tmp_path).there
