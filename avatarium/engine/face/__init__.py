"""Faces that speak: find one in a photo, move it, and the controls that say how."""

from avatarium.engine.face.actor import PhotoActor, View
from avatarium.engine.face.coarticulation import mouth_controls
from avatarium.engine.face.landmarks import Face, find_face
from avatarium.engine.face.life import Life
from avatarium.engine.face.marks import ARKIT, arkit_curves, arkit_marks, speech_marks
from avatarium.engine.face.pose import FEELINGS, Emotion, Mouth, Performance, Pose
from avatarium.engine.face.shot import Shot, frame_shot
from avatarium.engine.face.stage import Stage
from avatarium.engine.face.visemes import TARGETS, Viseme, visemes_of

__all__ = [
    "ARKIT",
    "FEELINGS",
    "TARGETS",
    "Emotion",
    "Face",
    "Life",
    "Mouth",
    "Performance",
    "PhotoActor",
    "Pose",
    "Shot",
    "Stage",
    "View",
    "Viseme",
    "arkit_curves",
    "arkit_marks",
    "find_face",
    "frame_shot",
    "mouth_controls",
    "speech_marks",
    "visemes_of",
]
