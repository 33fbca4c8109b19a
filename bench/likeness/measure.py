"""Measure one video and put what was seen into figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from avatarium.engine.speech.records import Phoneme
from avatarium.errors import PictureError
from bench.likeness import identity, pose, series, stillness, sync
from bench.likeness.blinks import Span, blink_spans, changed_spans, eye_change, share_found
from bench.likeness.phones import speaking
from bench.likeness.report import Likeness
from bench.likeness.watch import Face, Pictures, find_face_track, watch_pictures

SILENCE_MARGIN_S = 0.16
"""Mouths open before the first sound and settle after the last."""


def measure(
    video: Path,
    phonemes: Sequence[Phoneme],
    *,
    source: Path | None = None,
    blinks: Sequence[float] | None = None,
    idle: Sequence[Span] | None = None,
) -> Likeness:
    """Measure how like a speaking person a video is.

    Args:
        video: a file with one face; any size and frame rate.
        phonemes: what is said and when, zero at the first sample of the sound.
        source: the photo that the face must stay like; the first frame of the video where it is not given.
        blinks: scheduled blinks, the moments at which the lids begin to fall.
        idle: when nobody speaks, in seconds; where not given, whatever is 160 ms away from any phoneme.

    Raises:
        InputError: the video cannot be read.
        PictureError: the photo cannot be read or shows no face.
    """
    portrait = None if source is None else _embed_photo(source)
    face = find_face_track(video)
    pictures = watch_pictures(video, face)
    return assess(face, pictures, phonemes, portrait=portrait, blinks=blinks, idle=idle)


def assess(
    face: Face,
    pictures: Pictures,
    phonemes: Sequence[Phoneme],
    *,
    portrait: identity.Embedding | None = None,
    blinks: Sequence[float] | None = None,
    idle: Sequence[Span] | None = None,
) -> Likeness:
    """Put both passes into figures."""
    times, track = face.times_s, face.track
    opening = series.opening(track)
    peak = sync.peak(sync.lag_curve(times, opening, phonemes))
    closures = sync.closures(times, opening, phonemes)
    motion = pose.motion(track)
    reference = portrait if portrait is not None or not pictures.embeddings else pictures.embeddings[0]
    apart = None if reference is None else identity.distances(reference, pictures.embeddings)
    eyes = eye_change(pictures.face_times_s, pictures.eyes)
    spans = blink_spans(times, series.eye_aspect(track))
    duration_s = float(times[-1] - times[0] + np.median(np.diff(times))) if len(times) > 1 else series.FRAME_S
    return Likeness(
        duration_s=duration_s,
        frames=len(times),
        frames_without_face=int((~face.found).sum()),
        face_share=float(face.found.mean()),
        offset_frames=peak.offset_frames,
        correlation=peak.correlation,
        closures_shut=closures.shut,
        closures_total=closures.total,
        closure_rate=closures.rate,
        rounding=sync.rounding(times, series.width(track), phonemes),
        opening_p95=float(np.nanpercentile(opening, 95)) if face.found.any() else None,
        mouth_motion_ratio=_motion_ratio(pictures, phonemes, idle),
        identity_mean=apart[0] if apart else None,
        identity_max=apart[1] if apart else None,
        background_db=stillness.psnr(pictures.squared_changes),
        lip_flicker=stillness.flicker(pictures.face_times_s, pictures.lips),
        skin_flicker=stillness.flicker(pictures.face_times_s, pictures.cheeks),
        jitter=series.jitter(track),
        blinks_per_minute=60 * len(spans) / duration_s if face.found.any() else None,
        blinks_found=share_found([*spans, *changed_spans(pictures.face_times_s, eyes)], blinks or ()),
        yaw_sd=motion.yaw if motion else None,
        pitch_sd=motion.pitch if motion else None,
        roll_sd=motion.roll if motion else None,
        nose_speed=series.nose_speed(track, times),
    )


def _motion_ratio(pictures: Pictures, phonemes: Sequence[Phoneme], idle: Sequence[Span] | None) -> float | None:
    times = pictures.mouth_times_s
    if idle is None:
        silent = ~speaking(phonemes, times, SILENCE_MARGIN_S)
    else:
        silent = np.array([any(start <= t <= end for start, end in idle) for t in times], bool)
    return stillness.motion_ratio(pictures.mouth_changes, speaking(phonemes, times) & ~silent, silent)


def _embed_photo(source: Path) -> identity.Embedding:
    photo = cv2.imread(str(source), cv2.IMREAD_COLOR)
    if photo is None:
        raise PictureError(f"{source} cannot be read as a picture.", code="picture_unreadable")
    found = identity.embed_portrait(np.asarray(cv2.cvtColor(photo, cv2.COLOR_BGR2RGB), np.uint8))
    if found is None:
        raise PictureError(f"dlib sees no face in {source}, so no identity can be compared.", code="face_not_found")
    return found
