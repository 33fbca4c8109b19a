"""Matting networks that an operator brings: files of his own, under licences of his own choice.

The best free networks are GPL (Robust Video Matting) or come in AGPL packages (ISNet), so none of them is part of this
product and none is fetched by it. Who accepts their terms names a file; it is run by onnxruntime.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarium.engine.picture.matting.kinds import Alpha, Image
from avatarium.errors import AssetError

MULTIPLE = 16
FREE_SIDE = 512
"""Longer side that a network of free size is given; recurrent ones are told to look at half of it first."""
MEANS, SCALES = "avatarium.mean", "avatarium.scale"
"""Metadata of the file: what is taken off 0..255, and what that is divided by. One number or three."""
USUAL = {"recurrent": (0.0, 255.0), "plain": (128.0, 256.0)}


class MattingPlugin(Protocol):
    """Tells alpha of frames in order. Not for two threads at once."""

    name: str
    """Shown as part of the engine's name."""

    def alpha(self, frame: Image) -> Alpha:
        """Alpha of an RGB frame, in its size, 0..1."""

    def forget(self) -> None:
        """A new shot begins."""

    def close(self) -> None:
        """Give memory back."""


def open_plugin(path: Path, *, threads: int = 1) -> MattingPlugin:
    """Open an ONNX matting network.

    Two kinds are known by their inputs and outputs. Recurrent: ``src``, ``r1i`` to ``r4i``, and ``downsample_ratio``
    or ``src_sml`` (the same frame at half its size) in, ``pha`` and ``r1o`` to ``r4o`` out, as Robust Video Matting.
    Plain: one picture in, one map of alpha first among the outputs, as ISNet, MODNet or U2Net. Pictures are RGB, 0..1,
    for the first kind and (RGB - 128) / 256 for the second, unless the file's metadata says otherwise.

    Raises:
        AssetError: ``matting_plugin_missing``, ``matting_plugin_unreadable`` or ``matting_plugin_unknown``.
    """
    session = _session(path, threads)
    names = {value.name for value in session.get_inputs()}
    if {"src", "r1i", "r2i", "r3i", "r4i"} <= names and "pha" in {value.name for value in session.get_outputs()}:
        return _Recurrent(session, path.stem)
    if len(names) == 1 and len(session.get_inputs()[0].shape) == 4:
        return _Plain(session, path.stem)
    raise AssetError(
        f"{path.name} is no matting network of a kind that is known: its inputs are {', '.join(sorted(names))}. "
        "Name one that takes a single picture, or Robust Video Matting.",
        code="matting_plugin_unknown",
    )


def _session(path: Path, threads: int) -> Any:
    import onnxruntime

    if not path.is_file():
        raise AssetError(
            f"There is no matting network at {path}. Put the file there, or leave the setting matting_engine empty.",
            code="matting_plugin_missing",
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a class of its own for each cause, all of them plain exceptions
        raise AssetError(
            f"{path.name} cannot be read as an ONNX network. Fetch it anew, or convert it with a newer tool.",
            code="matting_plugin_unreadable",
        ) from error


class _Network:
    """What both kinds share: layout, size and range of the picture."""

    def __init__(self, session: Any, name: str, kind: str, source: Any) -> None:
        self.name = name
        self._session = session
        self._source = source.name
        shape = list(source.shape)
        self._last = shape[3] == 3
        sides = shape[1:3] if self._last else shape[2:4]
        self._fixed = (sides[1], sides[0]) if all(isinstance(side, int) and side > 0 for side in sides) else None
        facts = session.get_modelmeta().custom_metadata_map
        mean, scale = USUAL[kind]
        self._mean = _numbers(facts.get(MEANS), mean)
        self._scale = _numbers(facts.get(SCALES), scale)

    def _size(self, frame: Image) -> tuple[int, int]:
        if self._fixed is not None:
            return self._fixed
        shrink = min(1.0, FREE_SIDE / max(frame.shape[:2]))
        width, height = (max(MULTIPLE, round(side * shrink / MULTIPLE) * MULTIPLE) for side in frame.shape[1::-1])
        return width, height

    def _input(self, frame: Image, size: tuple[int, int]) -> NDArray[np.float32]:
        seen = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        values = ((seen - self._mean) / self._scale).astype(np.float32)
        return np.ascontiguousarray((values if self._last else values.transpose(2, 0, 1))[None])

    def _output(self, found: NDArray[np.float32], frame: Image) -> Alpha:
        flat = np.asarray(found, np.float32).squeeze()
        if flat.ndim != 2:
            raise AssetError(
                f"{self.name} answered with an array of {found.shape} where one map of alpha was expected. "
                "Name another network.",
                code="matting_plugin_unknown",
            )
        wide = cv2.resize(flat, frame.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(np.clip(wide, 0, 1), np.float32)

    def close(self) -> None:
        """Give memory back."""
        self._session = None


class _Plain(_Network):
    def __init__(self, session: Any, name: str) -> None:
        super().__init__(session, name, "plain", session.get_inputs()[0])
        self._answer = session.get_outputs()[0].name

    def alpha(self, frame: Image) -> Alpha:
        found = self._session.run([self._answer], {self._source: self._input(frame, self._size(frame))})[0]
        return self._output(found, frame)

    def forget(self) -> None:
        """It remembers nothing."""


class _Recurrent(_Network):
    def __init__(self, session: Any, name: str) -> None:
        inputs = {value.name: value for value in session.get_inputs()}
        super().__init__(session, name, "recurrent", inputs["src"])
        self._small = "src_sml" in inputs
        self._ratio = "downsample_ratio" in inputs
        self._answers = ["pha", "r1o", "r2o", "r3o", "r4o"]
        self.forget()

    def forget(self) -> None:
        """The states begin with nothing, of which one number is enough."""
        self._states = [np.zeros((1, 1, 1, 1), np.float32) for _ in range(4)]

    def alpha(self, frame: Image) -> Alpha:
        width, height = self._size(frame)
        given: dict[str, Any] = {self._source: self._input(frame, (width, height))}
        given |= {f"r{n + 1}i": state for n, state in enumerate(self._states)}
        if self._small:
            half = max(MULTIPLE, width // 2 // MULTIPLE * MULTIPLE), max(MULTIPLE, height // 2 // MULTIPLE * MULTIPLE)
            given["src_sml"] = self._input(frame, half)
        if self._ratio:
            given["downsample_ratio"] = np.array([0.5], np.float32)
        found, *self._states = self._session.run(self._answers, given)
        return self._output(found, frame)


def _numbers(text: str | None, usual: float) -> NDArray[np.float32]:
    if not text:
        return np.full(3, usual, np.float32)
    values = [float(part) for part in text.replace(",", " ").split()]
    return np.asarray(values * 3 if len(values) == 1 else values, np.float32)
