"""People whose manner of speaking is known, as a tracker would see them."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

import numpy as np

from avatarium.engine.face.life import Life
from avatarium.engine.face.pose import Floats, Mouth, Pose
from avatarium.engine.face.rig import Rig
from avatarium.engine.face.style.design import VISEMES
from avatarium.engine.face.style.record import GENERAL, SpeakingStyle
from avatarium.engine.face.video.measures import Measures, Placing
from avatarium.engine.face.visemes import Viseme
from avatarium.engine.speech.records import Phoneme, Speech

FPS = 25
RATE = 16000
SOUNDS = ("p", "m", "f", "t", "n", "s", "ʃ", "k", "ɹ", "w", "l", "a", "æ", "ɛ", "i", "ɪ", "u", "oʊ", "ə", "ʌ")
VOWELS = frozenset("aæɛiɪuəʌo")


def babble(seconds: float, seed: int = 0) -> Speech:
    """Sounds in random order at the pace of speech, with a pause now and then; vowels are louder."""
    random = np.random.default_rng(seed)
    audio = np.zeros(round(seconds * RATE), np.float32)
    phonemes: list[Phoneme] = []
    at = 0.2
    while at < seconds - 0.5:
        for _ in range(int(random.integers(8, 20))):
            ipa, length = str(random.choice(SOUNDS)), float(random.uniform(0.05, 0.15))
            phonemes.append(Phoneme(ipa=ipa, start_s=at, end_s=at + length, stress=int(random.integers(2))))
            level = random.uniform(0.1, 0.3) if ipa[0] in VOWELS else 0.04
            sounding = slice(round(at * RATE), round((at + length) * RATE))
            audio[sounding] = level * random.standard_normal(len(audio[sounding])).astype(np.float32)
            at += length
            if at > seconds - 0.3:
                break
        at += float(random.uniform(0.25, 0.5))
    return Speech(audio=audio, rate=RATE, phonemes=tuple(phonemes), words=())


def person(*, opens: float = 1.0, rounds: float = 1.0, **targets: tuple[float, float, float, float]) -> SpeakingStyle:
    """A style that opens and rounds so much more than most, and has some targets (open, width, chin, up) of its own."""
    changed = []
    for viseme in VISEMES:
        usual = GENERAL.target(viseme)
        opening = usual.open if viseme is Viseme.P_B_M else usual.open * opens
        width = usual.width * (rounds if usual.width < 0 else 1.0)
        target = replace(usual, open=opening, width=width, chin=usual.chin * opens)
        if viseme.name in targets:
            target = replace(target, **dict(zip(("open", "width", "chin", "up"), targets[viseme.name], strict=True)))
        changed.append(target)
    return SpeakingStyle(targets=tuple(changed))


def neutral_face() -> Floats:
    """The average face in face coordinates."""
    with np.load(str(files("avatarium.engine.face") / "data/motion.npz")) as data:
        return np.asarray(Rig(data["face"].astype(float) * 100).local, np.float32)


def seen_speaking(speech: Speech, style: SpeakingStyle | None, *, noise: float = 0.008, seed: int = 1) -> Measures:
    """What a tracker measures of somebody of that style: their lips by the rig, with errors that last some frames."""
    frames = round(speech.duration_s * FPS)
    mouth = Life(fps=float(FPS), style=style).perform(speech, frames).mouth.copy()
    random = np.random.default_rng(seed)
    errors = np.zeros((frames, 4))
    for i in range(1, frames):
        errors[i] = 0.7 * errors[i - 1] + random.normal(0, noise, 4)
    mouth[:, :4] += errors
    mouth[:, Mouth.OPEN] = np.maximum(mouth[:, Mouth.OPEN], -0.002)
    mouth[:, (Mouth.TUCK, Mouth.TONGUE)] = 0
    neutral = neutral_face()
    rig = Rig(neutral.astype(float), at_rest=True)
    local = np.stack([rig.frame.to_picture(rig.shape(Pose(mouth=m))) for m in mouth]).astype(np.float32)
    return Measures(
        local=local,
        placing=Placing(
            scale=np.full(frames, 100, np.float32),
            turn=np.tile(np.eye(3, dtype=np.float32), (frames, 1, 1)),
            shift=np.zeros((frames, 3), np.float32),
        ),
        neutral=neutral,
        controls=mouth,
        pose=np.zeros((frames, 3), np.float32),
        iod=100.0,
    )
