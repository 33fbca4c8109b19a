"""Writing Content Credentials (C2PA 2) into finished files."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import c2pa

import avatarium
from avatarium.engine.files import open_regular
from avatarium.engine.provenance.chain import Chain, anchors, open_chain
from avatarium.engine.provenance.kinds import media_type, sidecar_type
from avatarium.engine.video.part import PartFile
from avatarium.errors import InputError

GENERATOR = "Avatarium"
SIDECAR, SIDECAR_TYPE = ".c2pa", "application/c2pa"
"""Ending and media type of credentials in a file of their own."""
_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


class Action(StrEnum):
    """What was done, in C2PA's words."""

    CREATED = "c2pa.created"
    """Made anew."""
    EDITED = "c2pa.edited"
    """Made from another file by changing it: a visible mark, a new size."""


class SourceType(StrEnum):
    """Where the content comes from, by the IPTC's digital source types."""

    TRAINED = _IPTC + "trainedAlgorithmicMedia"
    """Wholly made by models: synthetic speech, or an invented person who speaks with it."""
    COMPOSITE = _IPTC + "compositeWithTrainedAlgorithmicMedia"
    """Made by models together with media that were not: somebody's photo or recording brought to speak."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signer:
    """Signs with the keys of one folder. May be used from several threads; opening is cheap."""

    folder: Path
    chain: Chain

    @classmethod
    def open(cls, folder: Path, *, now: datetime | None = None) -> Self:
        """The signer of a folder, its keys made the first time (see :func:`chain.open_chain` for errors)."""
        return cls(folder=folder, chain=open_chain(folder, now))

    def sign(
        self,
        path: Path,
        *,
        title: str,
        engine: str,
        action: Action = Action.CREATED,
        source_type: SourceType | None = SourceType.COMPOSITE,
        parent: Path | None = None,
    ) -> bool:
        """Write credentials into a file, in place: complete, or the file stays as it was.

        Pictures and sound are not changed; a JPEG, PNG, WebP, MP4, MOV, M4A, WAV, FLAC or MP3 grows by three to four
        kilobytes, and by the credentials of ``parent``. Not deterministic: identifiers, the signature and its time
        differ each time. MP4 files are signed in bounded memory (4 ms a megabyte), of the others three times their size
        is held. No network is used, so no time stamp authority vouches for the time.

        Args:
            path: the finished file.
            title: shown by viewers.
            engine: what made it, such as "hibari and the photo actor".
            action: EDITED names what the file was made from: ``parent``, or else its own content as it was given.
            source_type: None where no model took part.
            parent: what it was made from, its own credentials carried along; left out where its kind has no place for
                them or it is damaged.

        Returns:
            False where this kind of file has no place for credentials (WebM, Ogg, AVI, MPEG): the file stays
            unsigned, which is for the caller to record; see :meth:`sign_beside`.

        Raises:
            InputError: ``media_missing``, ``media_unreadable`` (damaged).
            OutputError: it cannot be written.
        """
        with open_regular(path, error=InputError, noun="media") as source:
            kind = media_type(source)
            if kind is None:
                return False
            part = PartFile(path)
            try:
                with part.writing(), part.part.open("w+b") as target:
                    self._sign(source, target, kind, _manifest(title, engine, action, source_type), action, parent)
                with part.writing():
                    part.part.chmod(path.stat().st_mode & 0o777)
                    part.land()
            except c2pa.C2paError as problem:
                raise InputError(
                    f"{path.name} is damaged and cannot be signed. Make it again.", code="media_unreadable"
                ) from problem
            finally:
                part.discard()
        return True

    def sign_beside(
        self,
        path: Path,
        out: Path,
        *,
        title: str,
        engine: str,
        action: Action = Action.CREATED,
        source_type: SourceType | None = SourceType.COMPOSITE,
    ) -> bool:
        """Write the credentials of a WebM, which has no place for them, into a file of its own; it is not changed.

        They hold the hash of the whole WebM, and are read with it by :func:`read` or any program that takes an external
        manifest, such as ``c2patool --external-manifest``.

        Args:
            path: the finished file.
            out: where the credentials go, ending in :data:`SIDECAR`.

        Returns:
            False where the file is no WebM or Matroska; nothing is written then.

        Raises:
            InputError: ``media_missing``, ``media_unreadable``.
            OutputError: ``out`` cannot be written.
        """
        with open_regular(path, error=InputError, noun="media") as source:
            kind = sidecar_type(source)
            if kind is None:
                return False
            manifest = json.dumps(_manifest(title, engine, action, source_type))
            part = PartFile(out)
            try:
                with context(anchors(self.folder)) as settings, c2pa.Builder(manifest, settings) as builder:
                    builder.set_no_embed()
                    if action is Action.EDITED:
                        builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
                    with self._signer() as signer, Path(os.devnull).open("w+b") as nowhere:
                        made = builder.sign(signer, kind, source, nowhere)
                with part.writing():
                    part.part.write_bytes(made)
                    part.land()
            except c2pa.C2paError as problem:
                raise InputError(
                    f"{path.name} is damaged and cannot be signed. Make it again.", code="media_unreadable"
                ) from problem
            finally:
                part.discard()
        return True

    def _sign(
        self, source: Any, target: Any, kind: str, manifest: dict[str, Any], action: Action, parent: Path | None
    ) -> None:
        with context(anchors(self.folder)) as settings, c2pa.Builder(json.dumps(manifest), settings) as builder:
            if action is Action.EDITED:
                # Adds "c2pa.opened" with the parent before our action, as C2PA 2 demands.
                builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
            if parent is not None:
                _add_parent(builder, parent, action)
            with self._signer() as signer:
                builder.sign(signer, kind, source, target)

    def _signer(self) -> c2pa.Signer:
        leaf, root = self.chain.leaf, self.chain.root
        chain = leaf.certificate_pem + root.certificate_pem
        return c2pa.Signer.from_info(c2pa.C2paSignerInfo("es256", chain, leaf.key_pem, None))


def context(trusted: str) -> c2pa.Context:
    """Settings of the library: no network, no thumbnails (a JPEG would grow by a hundred kilobytes)."""
    return c2pa.Context.from_dict(
        {
            "builder": {"thumbnail": {"enabled": False}},
            "trust": {"user_anchors": trusted} if trusted else {},
            "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
        }
    )


def _manifest(title: str, engine: str, action: Action, source_type: SourceType | None) -> dict[str, Any]:
    done: dict[str, Any] = {"action": action.value, "softwareAgent": {"name": engine, "version": avatarium.__version__}}
    if source_type is not None:
        done["digitalSourceType"] = source_type.value
    return {
        "claim_generator_info": [{"name": GENERATOR, "version": avatarium.__version__}],
        "title": title,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [done]}}],
    }


def _add_parent(builder: c2pa.Builder, parent: Path, action: Action) -> None:
    """A file that is made anew from another one holds it as a component; what is edited has it as its parent."""
    relation = "parentOf" if action is Action.EDITED else "componentOf"
    with open_regular(parent, error=InputError, noun="media") as file:
        kind = media_type(file)
        if kind is None:
            return
        with suppress(c2pa.C2paError):
            builder.add_ingredient(json.dumps({"title": parent.name, "relationship": relation}), kind, file)
