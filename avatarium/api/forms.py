"""Forms with a file (RFC 7578) as they come in: the file goes to the disk, the fields stay small, both are bounded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from avatarium.errors import RequestError, TooLargeError
from avatarium.storage.blobs import full_disk_is_unavailable

FIELD_MAX_BYTES = 64 << 10
FIELDS_MAX = 100
HEADERS_MAX_BYTES = 8 << 10
NAME_MAX = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What came."""

    fields: dict[str, list[str]]
    """Texts by name, in the order of the form; ``[]`` at the end of a name is kept."""
    file_name: str
    """As the client calls its file; empty where none came."""


def read_form(content_type: str, blocks: Iterable[bytes], *, file: Path, name: str, max_bytes: int) -> Form:
    """Read a form whose field ``name`` is a file, which is written to ``file``.

    Raises:
        RequestError: ``not_a_form``, ``bad_form``.
        TooLargeError: ``too_large``: the file, or the fields, have more bytes than are taken.
        UnavailableError: ``storage_full``.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise RequestError("Send a form (multipart/form-data) with the recording in `file`.", code="not_a_form")
    with full_disk_is_unavailable(), file.open("wb") as target:
        reader = _Reader(target, name, max_bytes)
        try:
            parser = MultipartParser(options[b"boundary"], reader.callbacks())  # type: ignore[arg-type]
            for block in blocks:
                parser.write(block)
            parser.finalize()
        except FormParserError as problem:
            raise RequestError(
                "The form cannot be read. Send it again as multipart/form-data.", code="bad_form"
            ) from problem
    if not reader.ended:
        raise RequestError("The form breaks off before its end. Send it again.", code="bad_form")
    return Form(fields=reader.fields, file_name=reader.file_name)


@dataclass(slots=True)
class _Part:
    """One part of a form while it comes."""

    name: str = ""
    file_name: str | None = None
    text: bytearray = field(default_factory=bytearray)


class _Reader:
    """What the parser tells, put where it belongs."""

    def __init__(self, target: IO[bytes], name: str, max_bytes: int) -> None:
        self.fields: dict[str, list[str]] = {}
        self.file_name = ""
        self.ended = False
        self._target = target
        self._name = name
        self._max_bytes = max_bytes
        self._written = 0
        self._parts = 0
        self._part = _Part()
        self._header = bytearray()
        self._value = bytearray()

    def callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > FIELDS_MAX:
            raise TooLargeError(
                f"The form has more than {FIELDS_MAX} fields. Leave out what is not needed.", code="too_large"
            )
        self._part = _Part()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._bound(len(self._header), HEADERS_MAX_BYTES)

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._bound(len(self._value), HEADERS_MAX_BYTES)

    def _header_end(self) -> None:
        if bytes(self._header).strip().lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._part.name = options.get(b"name", b"").decode("utf-8", "replace")[:NAME_MAX]
            if self._part.name == self._name and self.file_name:
                raise RequestError(f"The form has more than one `{self._name}`. Send one at a time.", code="bad_form")
            if b"filename" in options:
                self._part.file_name = options[b"filename"].decode("utf-8", "replace")[:NAME_MAX]
        self._header.clear()
        self._value.clear()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part.name == self._name:
            self._written += end - start
            self._bound(self._written, self._max_bytes)
            self._target.write(memoryview(data)[start:end])
        elif self._part.file_name is None:
            self._part.text += data[start:end]
            self._bound(len(self._part.text), FIELD_MAX_BYTES)

    def _part_end(self) -> None:
        if self._part.name == self._name:
            self.file_name = self._part.file_name or self._name
        elif self._part.file_name is None and self._part.name:
            text = self._part.text.decode("utf-8", "replace").replace("\0", "")
            self.fields.setdefault(self._part.name, []).append(text)

    def _end(self) -> None:
        self.ended = True

    def _bound(self, size: int, limit: int) -> None:
        if size > limit:
            raise TooLargeError(
                f"The form holds more than the {limit / (1 << 20):.3g} MB that are taken. Send less, or in parts.",
                code="too_large",
            )
