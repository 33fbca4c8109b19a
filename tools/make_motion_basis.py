"""Learn how mouth controls move a face, and write ``avatarium/engine/face/data/motion.npz``.

    python -m tools.make_motion_basis FOLDER_WITH_GRID_CLIPS

The clips are of the GRID audio-visual corpus (Cooke, Barker, Cunningham and Shao 2006), CC BY 4.0: seven speakers of
the samples that the LipNet project keeps. For every clip the meshes are brought into face coordinates; the neutral
face is the mean of the frames with the smallest inner-lip gap; a ridge regression from the controls ``(open, width,
chin, up)`` to the displacement of every vertex gives four fields of movement, which are made mirror-symmetric. Depth
is halved: the detector's is too noisy to drive lips.
"""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path

import av
import mediapipe as mp
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.face import topology as mesh
from avatarium.engine.face.frame import FaceFrame, align

Array = NDArray[np.float64]
OUT = Path(__file__).parent.parent / "avatarium/engine/face/data/motion.npz"
CLIPS = "grid-*.mpg"


def track(clip: Path) -> Array:
    """Meshes of every frame in face coordinates, shape ``(frames, 468, 3)``."""
    options = {"refine_landmarks": True, "max_num_faces": 1, "min_detection_confidence": 0.3}
    found = []
    with av.open(str(clip)) as file, mp.solutions.face_mesh.FaceMesh(**options) as detector:
        for frame in file.decode(video=0):
            rgb = frame.to_ndarray(format="rgb24")
            faces = detector.process(rgb).multi_face_landmarks
            if faces:
                size = np.array([rgb.shape[1], rgb.shape[0], rgb.shape[1]])
                found.append(np.array([[p.x, p.y, p.z] for p in faces[0].landmark]) * size)
    return to_common_pose(np.array(found)[:, : mesh.VERTICES])


def to_common_pose(meshes: Array) -> Array:
    """Face coordinates with the head's own movement taken out: two rounds of alignment to the clip's mean."""
    local = np.array([FaceFrame.of(m).to_local(m) for m in meshes])
    mean = local.mean(0)
    for _ in range(2):
        local = np.array([align(m, mean) for m in local])
        mean = FaceFrame.of(local.mean(0)).to_local(local.mean(0))
    return local


def controls(local: Array) -> Array:
    """Measured ``(open, width, chin, up)`` of each mesh, shape ``(frames, 4)``."""
    corners = local[:, mesh.MOUTH_RIGHT, :2] - local[:, mesh.MOUTH_LEFT, :2]
    upper, lower, chin = (local[:, i, 1] for i in (mesh.LIP_UPPER_INNER, mesh.LIP_LOWER_INNER, mesh.CHIN))
    return np.stack([lower - upper, np.linalg.norm(corners, axis=1), chin, upper], axis=1)


def neutral(local: Array) -> Array:
    """Mean of the 15 % of frames whose lips are closest."""
    gap = controls(local)[:, 0]
    mean: Array = local[gap <= np.percentile(gap, 15)].mean(0)
    return mean


def regress(shapes: Array, measured: Array) -> Array:
    """Ridge regression of displacements on controls, shape ``(4, 468, 3)``."""
    penalty = 1e-3 * len(measured) * measured.var(0).mean()
    normal = measured.T @ measured + penalty * np.eye(measured.shape[1])
    fields: Array = np.linalg.solve(normal, measured.T @ shapes.reshape(len(shapes), -1))
    return fields.reshape(measured.shape[1], -1, 3)


def mirror_of(face: Array) -> NDArray[np.int64]:
    """For each vertex, the one on the other half of the face. Where rows nearly touch, as shut lips and the corners of
    eyes do, the nearest may be of the wrong row: those are paired by what they are."""
    centred = face - [face[[mesh.FOREHEAD, mesh.CHIN, 168, mesh.NOSE_TIP], 0].mean(), 0, 0]
    distance = np.linalg.norm(centred[:, None] - centred[None] * [-1, 1, 1], axis=2)
    mirror = np.asarray(distance.argmin(1))
    lips = (mesh.LIP_INNER_UPPER, mesh.LIP_INNER_LOWER, *mesh.LIP_RINGS_UPPER, *mesh.LIP_RINGS_LOWER)
    left, right = mesh.EYES
    for row, twin in ((left.upper, right.upper), (left.lower, right.lower), *((lip, lip[::-1]) for lip in lips)):
        mirror[list(row)], mirror[list(twin)] = twin, row
    return mirror


def triangles() -> NDArray[np.int32]:
    """The mesh's own triangles: every three vertices that its edges join. Delaunay would weld closed lips."""
    neighbours: dict[int, set[int]] = {}
    for a, b in mp.solutions.face_mesh.FACEMESH_TESSELATION:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    found = {
        tuple(sorted((v, a, b)))
        for v, near in neighbours.items()
        for a, b in combinations(near, 2)
        if b in neighbours[a]
    }
    return np.array(sorted(found), dtype=np.int32)


def main(folder: Path) -> None:
    """Learn from every clip of the folder and write the fields."""
    clips = [track(path) for path in sorted(folder.glob(CLIPS))]
    neutrals = np.array([neutral(c) for c in clips])
    shapes = np.concatenate([c - n for c, n in zip(clips, neutrals, strict=True)])
    measured = np.concatenate([controls(c) - controls(n[None]) for c, n in zip(clips, neutrals, strict=True)])
    fields, face = regress(shapes, measured), neutrals.mean(0)
    residual = shapes - np.tensordot(measured, fields, 1)
    lips = [i for row in (*mesh.LIP_RINGS_UPPER, *mesh.LIP_RINGS_LOWER) for i in row]
    explained = 1 - (residual[:, lips] ** 2).sum() / (shapes[:, lips] ** 2).sum()
    print(f"{len(clips)} clips, {len(shapes)} frames, share of the lips' movement explained {explained:.3f}")
    mirror, flip = mirror_of(face), np.array([-1.0, 1.0, 1.0])
    fields = (fields + fields[:, mirror] * flip) / 2 * [1, 1, 0.5]
    face = (face + face[mirror] * flip) / 2
    np.savez_compressed(OUT, fields=fields.astype(np.float32), face=face.astype(np.float32), triangles=triangles())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
