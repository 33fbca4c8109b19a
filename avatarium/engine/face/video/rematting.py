"""A twin whose person is told anew from the ground, once that ground is known."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from avatarium.engine.face.video.layers import Colour, Image, Matting, faces_of
from avatarium.engine.face.video.package import ALPHA, BASE, PERSON, TwinFile, read_twin, write_twin
from avatarium.engine.picture.matting.video import FaceAt


def rematted(
    package: Path,
    out: Path,
    *,
    ground: Image | Colour,
    network: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> TwinFile:
    """Write a twin again with layers that are told by its ground; everything else stays as it is.

    Takes as long as the matting of the twin did; scratch files lie beside ``out``.

    Args:
        package: a twin's file.
        out: where the other shall be.
        ground: what is seen where the person is not, as a picture of the clip's shape or a colour.
        network: of the operator's own, to tell the person by (``open_plugin``).
        progress: told the share done, 0 to 1; what it raises ends the work.

    Raises:
        InputError: ``twin_unreadable``.
        OutputError: ``out`` cannot be written.
        AssetError: ``network`` cannot be used.
    """
    twin = read_twin(package)
    with tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=".matting-") as scratch:
        folder = Path(scratch)
        base = twin.extract(BASE, folder)

        def told(number: int) -> None:
            if progress:
                progress(number / twin.manifest.frames)

        order = np.arange(twin.manifest.frames, dtype=np.int32)
        work = Matting(base, folder, order, ground=ground, face_at=_whom(twin), told=told, network=network)
        layers = work.run()
        films = {BASE: base, PERSON: layers.person, ALPHA: layers.alpha}
        return write_twin(out, replace(twin.manifest, has_alpha=True), twin.arrays(), films)


def _whom(twin: TwinFile) -> FaceAt | None:
    """Where the face to keep is; None where nobody else is in the clip."""
    if not twin.manifest.others:
        return None
    points = twin.arrays()["points"]
    return faces_of(points, np.isfinite(points).all((1, 2)))
