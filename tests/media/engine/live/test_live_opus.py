"""Live sound as a listener hears it: whole, without a click, and silence costs nothing."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from avatarium.engine.live import PACKET_SAMPLES, RATE, OpusEncoder
from avatarium.engine.live import opus as opus_module
from avatarium.engine.live.opus import SETTLED

Sound = NDArray[np.float32]
DELAY = 312
"""Samples by which Opus is late (RFC 6716, section 4.3)."""


def voice(seconds: float) -> Sound:
    """Something like a voiced sound that swells and falls."""
    t = np.arange(round(seconds * RATE)) / RATE
    tone = np.sum([np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 12)], axis=0)
    voiced: Sound = (0.15 * tone * np.sin(np.pi * t / seconds) ** 0.5).astype(np.float32)
    return voiced


def packets(sound: Sound) -> list[bytes]:
    encoder = OpusEncoder()
    made = [encoder.encode(sound[at : at + PACKET_SAMPLES]) for at in range(0, len(sound), PACKET_SAMPLES)]
    encoder.close()
    return made


def heard(made: list[bytes]) -> Sound:
    reader: Any = av.CodecContext.create("libopus", "r")
    reader.sample_rate, reader.layout = RATE, "mono"
    frames = [frame.to_ndarray().reshape(-1) for data in made for frame in reader.decode(av.Packet(data))]
    return np.asarray(np.concatenate(frames) / 32768, np.float32)


def silence(seconds: float) -> Sound:
    return np.zeros(round(seconds * RATE), np.float32)


def likeness(one: Sound, other: Sound) -> float:
    """How alike two sounds are in loudness and colour over time; phases, which Opus changes, do not count."""
    shapes = []
    for sound in (one, other):
        frames = np.lib.stride_tricks.sliding_window_view(sound, PACKET_SAMPLES)[::240] * np.hanning(PACKET_SAMPLES)
        shapes.append(np.abs(np.fft.rfft(frames))[:, :40].ravel())
    return float(np.corrcoef(shapes[0], shapes[1])[0, 1])


def steepest(sound: Sound) -> float:
    return float(np.abs(np.diff(sound)).max())


def test_every_packet_is_20_ms_and_sounds_as_it_did() -> None:
    sound = np.concatenate([voice(1.0), silence(0.2)])
    made = packets(sound)
    assert len(made) == 60 and all(made)
    found = heard(made)
    assert len(found) == len(sound)
    assert likeness(found[DELAY:], sound[:-DELAY]) > 0.97
    assert likeness(found[DELAY + 9600 :], sound[: -DELAY - 9600]) < 0.93


def test_long_silence_is_one_packet_again_and_again_and_is_not_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, calls = OpusEncoder(), 0
    encode = opus_module.OpusEncoder._encoded

    def counted(self: OpusEncoder, sound: Sound) -> bytes:
        nonlocal calls
        calls += 1
        return encode(self, sound)

    monkeypatch.setattr(opus_module.OpusEncoder, "_encoded", counted)
    made = [encoder.encode(np.zeros(PACKET_SAMPLES, np.float32)) for _ in range(500)]
    assert calls == SETTLED
    assert all(made) and len(set(made[SETTLED:])) == 1 and len(made[-1]) < 50


@pytest.mark.parametrize("pause_s", [0.3, 3.0])
def test_no_click_where_repeated_silence_meets_speech(pause_s: float) -> None:
    sound = np.concatenate([voice(0.6), silence(pause_s), voice(0.6), silence(pause_s), voice(0.6), silence(0.2)])
    sound = sound[: len(sound) // PACKET_SAMPLES * PACKET_SAMPLES]
    found = heard(packets(sound))
    assert steepest(found) < 1.2 * steepest(sound)
    spoken = round(0.6 * RATE)
    for start in (spoken, 2 * spoken + round(pause_s * RATE)):
        quiet = found[start + DELAY + 960 : start + round(pause_s * RATE) - 240]
        assert np.abs(quiet).max() < 0.004
    for start in (0, spoken + round(pause_s * RATE)):
        a, b = found[start + DELAY : start + DELAY + spoken], sound[start : start + spoken]
        assert likeness(a, b) > 0.97


def test_speech_after_repeated_silence_sounds_as_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = np.concatenate([voice(0.6), silence(2.0), voice(0.6), silence(0.2)])
    cached = heard(packets(sound))
    monkeypatch.setattr(opus_module, "SETTLED", 10**9)
    encoded = heard(packets(sound))
    onset = slice(round(2.6 * RATE), round(2.75 * RATE))
    assert steepest(cached[onset]) < 1.3 * steepest(encoded[onset])
    assert likeness(cached[onset], encoded[onset]) > 0.97


CELT = 16
"""The first configuration without the coder of speech, in which alone a packet can hold the one before (RFC 6716, table
2)."""


@pytest.mark.parametrize("lossy", [False, True])
def test_a_change_amid_a_sound_makes_no_click_and_hardly_a_dent(lossy: bool) -> None:
    sound = np.concatenate([voice(1.2), silence(0.2)])
    encoder, made = OpusEncoder(lossy=lossy), []
    for number, at in enumerate(range(0, len(sound), PACKET_SAMPLES)):
        encoder.lossy = lossy is (number < 20 or number >= 40)
        made.append(encoder.encode(sound[at : at + PACKET_SAMPLES]))
    assert [packet[0] >> 3 < CELT for packet in made] == [lossy] * 20 + [not lossy] * 20 + [lossy] * 30
    found = heard(made)
    assert steepest(found) < 1.2 * steepest(sound)
    assert likeness(found[DELAY:], sound[:-DELAY]) > 0.97
    for changed in (20, 40):
        around = slice((changed - 1) * PACKET_SAMPLES, (changed + 3) * PACKET_SAMPLES)
        assert likeness(found[DELAY:][around], sound[around]) > 0.96
        loud, was = (np.abs(s[around]).reshape(-1, 480).max(1) for s in (found[DELAY:], sound))
        assert (loud > 0.4 * was).all() and (loud[2:] > 0.8 * was[2:]).all()


def test_a_change_in_a_silence_is_silent() -> None:
    encoder = OpusEncoder()
    made = []
    for number in range(200):
        encoder.lossy = number >= 100
        made.append(encoder.encode(np.zeros(PACKET_SAMPLES, np.float32)))
    assert np.abs(heard(made)).max() < 0.001
    assert len(set(made[100 + SETTLED :])) == 1 and made[-1][0] >> 3 < CELT


def test_sound_that_need_bear_no_loss_is_nearer_to_what_was_said() -> None:
    sound = voice(1.2)

    def near(lossy: bool) -> float:
        encoder = OpusEncoder(lossy=lossy)
        found = heard([encoder.encode(sound[at : at + PACKET_SAMPLES]) for at in range(0, len(sound), PACKET_SAMPLES)])
        return float(np.corrcoef(found[DELAY:], sound[:-DELAY])[0, 1])

    assert near(lossy=False) > 0.98 > near(lossy=True)


def test_a_part_of_a_packet_is_refused() -> None:
    with pytest.raises(ValueError, match="960"):
        OpusEncoder().encode(np.zeros(480, np.float32))
