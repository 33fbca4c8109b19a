"""Fragmented MP4 for Media Source Extensions (ISO/IEC 14496-12, -15; Opus in ISOBMFF), a fragment for each packet.

Sound and pictures are separate streams of segments, so that pictures can be left out while sound goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import pack

from avatarium.streaming.transports.viewer import PICTURE_RATE, SOUND_RATE

SPS, PPS, IDR = 7, 8, 5
_UNITY = pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_KEY_SAMPLE, _OTHER_SAMPLE = 0x02000000, 0x01010000
"""Flags of a sample: depends on none, or on others and is no sync sample."""
_FRAGMENT_BYTES = 88
"""Of a ``moof`` without samples."""
PRE_SKIP = 312
"""Samples that Opus delays by at 48 kHz (RFC 7845 section 4.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A stream of segments."""

    number: int
    timescale: int
    mime: str
    init: bytes
    """The segment that comes first."""

    def fragment(self, sequence: int, samples: Sequence[bytes], *, start: int, duration: int, key: bool) -> bytes:
        """A segment of samples of equal length; ``start`` and ``duration`` of each in units of the time scale."""
        flags = _KEY_SAMPLE if key else _OTHER_SAMPLE
        sizes = [pack(">III", duration, len(sample), flags) for sample in samples]
        length = _FRAGMENT_BYTES + 12 * len(samples)
        moof = _box(
            b"moof",
            _full(b"mfhd", 0, 0, pack(">I", sequence)),
            _box(
                b"traf",
                _full(b"tfhd", 0, 0x020000, pack(">I", self.number)),
                _full(b"tfdt", 1, 0, pack(">Q", start)),
                # Where the data begins, then duration, size and flags of each sample.
                _full(b"trun", 0, 0x000701, pack(">Ii", len(samples), length + 8), *sizes),
            ),
        )
        return moof + _box(b"mdat", *samples)


def nal_units(data: bytes) -> Iterator[bytes]:
    """The units of an Annex B byte stream."""
    at = data.find(b"\0\0\1")
    while at >= 0:
        begin = at + 3
        at = data.find(b"\0\0\1", begin)
        unit = data[begin:] if at < 0 else data[begin:at]
        if unit := unit.rstrip(b"\0"):
            yield unit


def picture_sample(data: bytes) -> bytes:
    """Annex B as MP4 has it: lengths before units, without the parameter sets, which stand in the init segment."""
    return b"".join(pack(">I", len(unit)) + unit for unit in nal_units(data) if unit[0] & 31 not in (SPS, PPS, 9))


def parameter_sets(data: bytes) -> tuple[bytes, bytes] | None:
    """SPS and PPS of a key frame; None where it has none."""
    found = {unit[0] & 31: unit for unit in nal_units(data)}
    return (found[SPS], found[PPS]) if SPS in found and PPS in found else None


def picture_track(sps: bytes, pps: bytes, size: tuple[int, int]) -> Track:
    """A stream of H.264 (ISO/IEC 14496-15)."""
    config = pack(">BBBBBBH", 1, sps[1], sps[2], sps[3], 0xFF, 0xE1, len(sps)) + sps + pack(">BH", 1, len(pps)) + pps
    entry = _box(
        b"avc1",
        pack(">6xH16xHHIIIH32xHh", 1, *size, 0x480000, 0x480000, 0, 1, 24, -1),
        _box(b"avcC", config),
    )
    return Track(
        number=1,
        timescale=PICTURE_RATE,
        mime=f'video/mp4; codecs="avc1.{sps[1:4].hex().upper()}"',
        init=_init(1, PICTURE_RATE, b"vide", _full(b"vmhd", 0, 1, bytes(8)), entry, size),
    )


def opus_track() -> Track:
    """A stream of Opus, mono."""
    config = pack(">BBHIhB", 0, 1, PRE_SKIP, SOUND_RATE, 0, 0)
    entry = _box(b"Opus", pack(">6xH8xHHIHH", 1, 1, 16, 0, SOUND_RATE, 0), _box(b"dOps", config))
    return _sound_track(entry, 'audio/mp4; codecs="opus"')


def aac_track(config: bytes) -> Track:
    """A stream of AAC-LC, mono at 48 kHz; ``config`` is its AudioSpecificConfig."""
    specific = _descriptor(5, config)
    decoder = _descriptor(4, pack(">BBBHII", 0x40, 0x15, 0, 0, 64_000, 64_000) + specific)
    stream = _descriptor(3, pack(">HB", 2, 0) + decoder + _descriptor(6, b"\x02"))
    entry = _box(b"mp4a", pack(">6xH8xHHIHH", 1, 1, 16, 0, SOUND_RATE, 0), _full(b"esds", 0, 0, stream))
    return _sound_track(entry, 'audio/mp4; codecs="mp4a.40.2"')


def _sound_track(entry: bytes, mime: str) -> Track:
    head = _full(b"smhd", 0, 0, bytes(4))
    return Track(number=1, timescale=SOUND_RATE, mime=mime, init=_init(1, SOUND_RATE, b"soun", head, entry, (0, 0)))


def _init(number: int, timescale: int, handler: bytes, head: bytes, entry: bytes, size: tuple[int, int]) -> bytes:
    empty = pack(">I", 0)
    tables = _box(
        b"stbl",
        _full(b"stsd", 0, 0, pack(">I", 1), entry),
        *(_full(name, 0, 0, empty) for name in (b"stts", b"stsc")),
        _full(b"stsz", 0, 0, pack(">II", 0, 0)),
        _full(b"stco", 0, 0, empty),
    )
    here = _box(b"dinf", _full(b"dref", 0, 0, pack(">I", 1), _full(b"url ", 0, 1)))
    volume = 0x100 if handler == b"soun" else 0
    track = _box(
        b"trak",
        _full(
            b"tkhd", 0, 3, pack(">IIIII", 0, 0, number, 0, 0), pack(">8xHHHH", 0, 0, volume, 0), _UNITY,
            pack(">II", size[0] << 16, size[1] << 16),
        ),
        _box(
            b"mdia",
            _full(b"mdhd", 0, 0, pack(">IIIIHH", 0, 0, timescale, 0, 0x55C4, 0)),
            _full(b"hdlr", 0, 0, pack(">I4s12x", 0, handler), b"Avatarium\0"),
            _box(b"minf", head, here, tables),
        ),
    )  # fmt: skip
    movie = _full(
        b"mvhd", 0, 0, pack(">IIIIIH10x", 0, 0, 1000, 0, 0x10000, 0x100), _UNITY, bytes(24), pack(">I", number + 1)
    )
    extends = _box(b"mvex", _full(b"trex", 0, 0, pack(">IIIII", number, 1, 0, 0, 0)))
    return _box(b"ftyp", b"iso6", pack(">I", 1), b"iso6mp41dash") + _box(b"moov", movie, track, extends)


def _box(name: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return pack(">I4s", 8 + len(body), name) + body


def _full(name: bytes, version: int, flags: int, *content: bytes) -> bytes:
    return _box(name, pack(">I", version << 24 | flags), *content)


def _descriptor(tag: int, content: bytes) -> bytes:
    return pack(">BB", tag, len(content)) + content
