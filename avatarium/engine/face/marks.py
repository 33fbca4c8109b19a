"""Speech as marks in time and as ARKit curves, for those who drive faces of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face.coarticulation import segments
from avatarium.engine.face.life import Life
from avatarium.engine.face.pose import FEELINGS, Emotion, Floats, Performance
from avatarium.engine.face.visemes import Viseme
from avatarium.engine.speech.records import Speech

ARKIT = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""Apple's 52 blend shapes in the order of ``ARFaceAnchor.BlendShapeLocation``'s names."""


def speech_marks(speech: Speech) -> dict[str, Any]:
    """Words, phonemes and visemes with their times in seconds, ready for JSON."""
    return {
        "duration_s": round(speech.duration_s, 4),
        "language": speech.language,
        "words": [{"text": w.text, "start_s": round(w.start_s, 4), "end_s": round(w.end_s, 4)} for w in speech.words],
        "phonemes": [
            {"ipa": p.ipa, "start_s": round(p.start_s, 4), "end_s": round(p.end_s, 4), "stress": p.stress}
            for p in speech.phonemes
        ],
        "visemes": [
            {"viseme": s.viseme.value, "start_s": round(s.start_s, 4), "end_s": round(s.end_s, 4)}
            for s in segments(speech.phonemes)
            if s.viseme is not Viseme.SILENCE
        ],
    }


def arkit_marks(
    speech: Speech, *, fps: float = 30.0, seed: int = 0, emotion: Emotion = Emotion.NEUTRAL
) -> dict[str, Any]:
    """ARKit blend shapes of a speech frame by frame, ready for JSON: ``names`` and one row of weights a frame."""
    life = Life(seed=seed, fps=fps, emotion=emotion)
    curves = arkit_curves(life.perform(speech, int(np.ceil(speech.duration_s * fps))))
    return {"fps": fps, "names": list(ARKIT), "frames": np.round(curves, 3).tolist()}


def arkit_curves(performance: Performance) -> Floats:
    """Weights 0..1 of the 52 shapes, shape ``(frames, 52)``."""
    shapes = {**_mouth(performance), **_upper_face(performance), **_feelings(performance)}
    curves = np.zeros((len(performance), len(ARKIT)), np.float32)
    for name, weight in shapes.items():
        for side in ("Left", "Right") if f"{name}Left" in ARKIT else ("",):
            curves[:, ARKIT.index(name + side)] += weight
    return np.clip(curves, 0, 1)


def _mouth(performance: Performance) -> dict[str, NDArray[np.float32]]:
    """The reach of each shape in IOD is that of Apple's reference face."""
    opening, width, chin, up, tuck, tongue = performance.mouth.T
    jaw = np.clip(chin / 0.17 + np.maximum(opening, 0) * 0.6, 0, 1)
    parted = np.clip(opening / 0.09, 0, 1)
    rounded = np.clip(-width / 0.10, 0, 1)
    return {
        "jawOpen": jaw,
        "mouthClose": jaw * (1 - parted) * 0.6,
        "mouthFunnel": rounded * parted * 0.6,
        "mouthPucker": rounded * (1 - 0.5 * parted),
        "mouthStretch": np.clip(width / 0.10, 0, 1) * 0.5,
        "mouthUpperUp": np.clip(-up / 0.06, 0, 1) * 0.6,
        "mouthLowerDown": np.clip((opening - 0.5 * chin) / 0.14, 0, 1) * 0.6,
        "mouthPress": np.clip(-opening / 0.012, 0, 1) * 0.6,
        "mouthRollLower": np.clip(tuck / 0.012, 0, 1) * 0.7 + np.clip(-opening / 0.012, 0, 1) * 0.3,
        "mouthRollUpper": np.clip(-opening / 0.012, 0, 1) * 0.3,
        "tongueOut": np.clip(tongue - 0.85, 0, 1) * 0.6,
    }


def _upper_face(performance: Performance) -> dict[str, NDArray[np.float32]]:
    """Left and right are the person's own: a gaze to the picture's right is the person's left."""
    x, y = performance.gaze.T / 0.05
    return {
        "eyeBlink": performance.blink,
        "eyeLookOutLeft": np.clip(x, 0, 1),
        "eyeLookInRight": np.clip(x, 0, 1),
        "eyeLookInLeft": np.clip(-x, 0, 1),
        "eyeLookOutRight": np.clip(-x, 0, 1),
        "eyeLookDown": np.clip(y, 0, 1),
        "eyeLookUp": np.clip(-y, 0, 1),
        "browInnerUp": np.clip(performance.brow / 0.06, 0, 1),
        "browOuterUp": np.clip(performance.brow / 0.08, 0, 1),
    }


def _feelings(performance: Performance) -> dict[str, NDArray[np.float32]]:
    happy, serious, surprised, sad = (performance.emotion[:, FEELINGS.index(e)] for e in FEELINGS)
    return {
        "mouthSmile": 0.7 * happy,
        "cheekSquint": 0.5 * happy,
        "browDown": 0.6 * serious,
        "eyeSquint": 0.3 * serious,
        "eyeWide": 0.6 * surprised,
        "mouthFrown": 0.6 * sad,
        "noseSneer": 0.1 * serious,
        "mouthShrugLower": 0.2 * sad,
    }
