"""An H.264 frame that shows the one before once more, written by hand (ITU-T H.264, 7.3): a dozen bytes, nothing coded.

It is a P slice of which every macroblock is skipped, and no reference: the encoder, which never hears of it, goes on
as though it had not been there. Only streams of x264's baseline with one frame after the other are understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_START = b"\x00\x00\x00\x01"
_SLICE, _IDR, _SEQUENCE = 1, 5, 7
_BASELINE = 66
_ANY_START = re.compile(rb"\x00\x00\x01")
_HEAD_BYTES = 32
"""Enough for the fields that are read."""
_BREAK = re.compile(rb"\x00\x00(?=[\x00-\x03])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """What a sequence parameter set says of frame numbers."""

    number_bits: int
    macroblocks: int

    @classmethod
    def read(cls, stream: bytes) -> Sequence | None:
        """Of an Annex B byte stream; None where it has no set, or one that frames cannot be repeated in."""
        for kind, head in _units(stream):
            if kind == _SEQUENCE:
                return cls._of(_Bits(head[1:]))
        return None

    @classmethod
    def _of(cls, bits: _Bits) -> Sequence | None:
        profile = bits.take(8)
        bits.take(16)
        bits.number()
        number_bits = bits.number() + 4
        order = bits.number()
        if profile != _BASELINE or order != 2:
            return None
        bits.number()
        bits.take(1)
        columns, rows = bits.number() + 1, bits.number() + 1
        whole_frames = bits.take(1)
        return cls(number_bits=number_bits, macroblocks=columns * rows) if whole_frames else None

    def repeated(self, stream: bytes) -> bytes | None:
        """The frame after the one in ``stream``, showing the same; None if that one is no reference."""
        for kind, head in _units(stream):
            if kind in (_SLICE, _IDR):
                if not head[0] >> 5:
                    return None
                bits = _Bits(head[1:])
                for _ in ("first macroblock", "slice type", "picture parameter set"):
                    bits.number()
                return self._skipped((bits.take(self.number_bits) + 1) % (1 << self.number_bits))
        return None

    def _skipped(self, number: int) -> bytes:
        fields = (
            _golomb(0),  # first macroblock
            _golomb(5),  # slice type: P, as all slices of the frame
            _golomb(0),  # picture parameter set
            f"{number:0{self.number_bits}b}",
            "0",  # as many references as usual
            "0",  # in their usual order
            _golomb(0),  # quantiser as usual
            _golomb(1),  # no deblocking
            _golomb(self.macroblocks),  # all of them skipped
            "1",
        )
        bits = "".join(fields)
        bits += "0" * (-len(bits) % 8)
        body = int(bits, 2).to_bytes(len(bits) // 8, "big")
        return _START + bytes([_SLICE]) + _BREAK.sub(b"\x00\x00\x03", body)


class _Bits:
    """Reads the bits of a unit from its front."""

    def __init__(self, data: bytes) -> None:
        data = data.replace(b"\x00\x00\x03", b"\x00\x00")
        self._bits = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}"
        self._at = 0

    def take(self, count: int) -> int:
        """So many bits as a number."""
        self._at += count
        return int(self._bits[self._at - count : self._at] or "0", 2)

    def number(self) -> int:
        """An Exp-Golomb code (9.1)."""
        zeros = self._bits.find("1", self._at) - self._at
        self._at += zeros
        return self.take(zeros + 1) - 1


def _golomb(value: int) -> str:
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code


def _units(stream: bytes) -> list[tuple[int, bytes]]:
    """Kind and first bytes of each unit."""
    starts = [match.end() for match in _ANY_START.finditer(stream)]
    return [(stream[at] & 31, stream[at : at + _HEAD_BYTES]) for at in starts if at < len(stream)]
