from __future__ import annotations

import cv2
import dlib
import numpy as np
import numpy.typing as npt
import pytest
from mediapipe.python.solutions import face_detection, face_mesh, selfie_segmentation
from PIL import Image

from art import people, portraits
from bench.likeness.landmarks import model_path

Pixels = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]

MODEL = "shape_predictor_68_face_landmarks.dat"
NAMES = tuple(portraits.PORTRAITS)
OUTER_CORNERS = (33, 263)
INNER_LIPS = (13, 14)
IRISES = (468, 473)
LOW_WIDTH = 256
BYTES = 1_200_000


@pytest.fixture(params=NAMES, scope="module")
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def picture(name: str) -> Pixels:
    return np.asarray(Image.open(portraits.FOLDER / f"{name}.png"))


@pytest.fixture(scope="module")
def mesh(picture: Pixels) -> Points:
    """The 478 landmarks in pixels."""
    with face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True) as detector:
        found = detector.process(picture).multi_face_landmarks
    assert len(found) == 1
    h, w = picture.shape[:2]
    return np.array([(p.x * w, p.y * h) for p in found[0].landmark], dtype=np.float64)


@pytest.fixture(scope="module")
def low(name: str) -> Pixels:
    return portraits.render(name, width=LOW_WIDTH, oversample=1.5)


def corner_distance(mesh: Points) -> float:
    return float(np.linalg.norm(mesh[OUTER_CORNERS[0]] - mesh[OUTER_CORNERS[1]]))


def drawn(x: float, y: float, lean: float) -> Points:
    """Where the painter put a point given in face units, in pixels."""
    across, down = portraits.turned(np.array([x], np.float32), np.array([y], np.float32), lean)
    return np.array([across[0], down[0]], dtype=np.float64) * portraits.UNIT + portraits.CENTRE


def test_is_an_opaque_picture_of_the_stated_size_that_ships_small(picture: Pixels, name: str) -> None:
    assert picture.shape == (portraits.HEIGHT, portraits.WIDTH, 3)
    assert picture.dtype == np.uint8
    assert (portraits.FOLDER / f"{name}.png").stat().st_size < BYTES


def test_face_is_detected_with_confidence(picture: Pixels) -> None:
    with face_detection.FaceDetection(model_selection=0) as detector:
        found = detector.process(picture).detections
    assert len(found) == 1
    assert found[0].score[0] >= 0.8


def test_face_is_large_and_sits_at_two_fifths_of_the_height(mesh: Points) -> None:
    assert 190 <= corner_distance(mesh) <= 230
    assert np.mean(mesh[list(OUTER_CORNERS), 1]) / portraits.HEIGHT == pytest.approx(0.40, abs=0.02)


def test_mesh_lands_on_what_was_painted(mesh: Points, name: str) -> None:
    person = {"ava": people.AVA, "noah": people.NOAH}[name]
    unit = corner_distance(mesh)
    iris_x, iris_y = person.eye.iris_at
    corner_x, corner_y = person.mouth.seam[-1]
    for index, place, tolerance in (
        (IRISES[0], (-iris_x, iris_y), 0.03),
        (IRISES[1], (iris_x, iris_y), 0.03),
        (61, (-corner_x, corner_y), 0.06),
        (291, (corner_x, corner_y), 0.06),
        (0, person.mouth.top[0], 0.05),
        (17, person.mouth.bottom[0], 0.05),
        (2, (0.0, person.nose.base_y), 0.07),
        (152, person.outline[-1], 0.06),
    ):
        assert np.linalg.norm(mesh[index] - drawn(*place, person.lean)) / unit < tolerance, index


def test_mouth_is_shut_and_looks_friendly(mesh: Points) -> None:
    unit = corner_distance(mesh)
    assert np.linalg.norm(mesh[INNER_LIPS[0]] - mesh[INNER_LIPS[1]]) / unit < 0.01
    assert mesh[[61, 291], 1].mean() < mesh[list(INNER_LIPS), 1].mean(), "the corners turn up"


def test_eyes_are_open(mesh: Points) -> None:
    for top, bottom, inner, outer in ((159, 145, 133, 33), (386, 374, 362, 263)):
        openness = np.linalg.norm(mesh[top] - mesh[bottom]) / np.linalg.norm(mesh[inner] - mesh[outer])
        assert 0.28 <= openness <= 0.55


def test_dlib_agrees_with_the_mesh(picture: Pixels, mesh: Points) -> None:
    predictor = dlib.shape_predictor(model_path(MODEL))
    found = dlib.get_frontal_face_detector()(picture, 0)
    assert len(found) == 1
    points = np.array([(p.x, p.y) for p in predictor(picture, found[0]).parts()], dtype=np.float64)
    unit = corner_distance(mesh)
    for theirs, ours in ((36, 33), (45, 263), (48, 61), (54, 291), (8, 152)):
        assert np.linalg.norm(points[theirs] - mesh[ours]) / unit < 0.10, theirs


def test_person_stands_out_from_the_room(picture: Pixels) -> None:
    with selfie_segmentation.SelfieSegmentation(model_selection=0) as detector:
        mask = detector.process(picture).segmentation_mask
    assert 0.30 < np.mean(mask) < 0.60
    assert np.mean((mask > 0.1) & (mask < 0.9)) < 0.03
    assert mask[:150].max() < 0.5, "the head is clear of the upper border"


def test_code_is_still_the_source_of_the_picture(picture: Pixels, low: Pixels) -> None:
    reduced = cv2.resize(picture, low.shape[1::-1], interpolation=cv2.INTER_AREA).astype(np.float64)
    assert np.sqrt(np.mean((reduced - low) ** 2)) < 9.0


def test_painting_is_repeatable(low: Pixels, name: str) -> None:
    assert np.array_equal(portraits.render(name, width=LOW_WIDTH, oversample=1.5), low)


def test_the_two_are_different_people() -> None:
    ava, noah = (np.asarray(Image.open(portraits.FOLDER / f"{n}.png")).astype(np.float64) for n in NAMES)
    face = np.s_[400:760, 400:624]
    assert np.abs(ava[face] - noah[face]).mean() > 15
