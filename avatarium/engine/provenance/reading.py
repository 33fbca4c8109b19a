"""Reading Content Credentials out of files and checking them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import c2pa

from avatarium.engine.files import StrPath, open_regular
from avatarium.engine.provenance.chain import anchors
from avatarium.engine.provenance.kinds import media_type, sidecar_type
from avatarium.engine.provenance.signer import context
from avatarium.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a file says of where it comes from, and whether that holds."""

    valid: bool
    """The signature is good and the file was not changed since."""
    trusted: bool
    """Valid, and signed by an installation whose root was given."""
    signer: str
    """Common name of the certificate that signed."""
    generator: str
    """The program, with its version."""
    engines: tuple[str, ...]
    """What took part, as the actions name it."""
    title: str
    actions: tuple[str, ...]
    """C2PA's names, in order: ``c2pa.created``, ``c2pa.opened``, ``c2pa.edited``."""
    source_types: tuple[str, ...]
    """IPTC's addresses, of the actions that tell one."""
    ingredients: tuple[str, ...]
    """Titles of the files that it was made from."""
    problems: tuple[str, ...]
    """C2PA's codes of what does not hold, such as ``assertion.bmffHash.mismatch``."""


_TRUST_ONLY = "signingCredential.untrusted"


def read(path: StrPath, *, folder: Path | None = None, beside: Path | None = None) -> Credentials | None:
    """The credentials of a file; None where there are none. No network is used.

    Args:
        path: any file; told from its content.
        folder: of a :class:`Signer`: its roots are trusted. Without it nobody is.
        beside: the file of its credentials, where they are not inside.

    Raises:
        InputError: ``media_missing`` or ``media_unreadable``.
    """
    with open_regular(path, error=InputError, noun="media") as file:
        kind = media_type(file) if beside is None else sidecar_type(file) or media_type(file)
        if kind is None:
            return None
        manifest = None if beside is None else beside.read_bytes()
        with context(anchors(folder) if folder else "") as settings:
            try:
                reader = c2pa.Reader.try_create(kind, file, manifest, context=settings)
            except c2pa.C2paError as problem:
                return _broken(problem)
            if reader is None:
                return None
            with reader:
                return _credentials(json.loads(reader.json()), reader.get_validation_state() or "")


def _credentials(store: dict[str, Any], state: str) -> Credentials:
    manifest = store["manifests"].get(store.get("active_manifest"), {})
    actions = _actions(manifest)
    info = (manifest.get("claim_generator_info") or [{}])[0]
    return Credentials(
        valid=state in ("Valid", "Trusted"),
        trusted=state == "Trusted",
        signer=manifest.get("signature_info", {}).get("common_name", ""),
        generator=f"{info.get('name', '')} {info.get('version', '')}".strip(),
        engines=tuple(dict.fromkeys(name for action in actions if (name := _agent(action)))),
        title=manifest.get("title", ""),
        actions=tuple(action["action"] for action in actions),
        source_types=tuple(action["digitalSourceType"] for action in actions if "digitalSourceType" in action),
        ingredients=tuple(item.get("title", "") for item in manifest.get("ingredients", [])),
        problems=_problems(store),
    )


def _actions(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    held = [a["data"].get("actions", []) for a in manifest.get("assertions", []) if "c2pa.actions" in a["label"]]
    return [action for actions in held for action in actions]


def _agent(action: dict[str, Any]) -> str:
    agent = action.get("softwareAgent", "")
    return str(agent.get("name", "")) if isinstance(agent, dict) else str(agent)


def _problems(store: dict[str, Any]) -> tuple[str, ...]:
    return tuple(item["code"] for item in store.get("validation_status", []) if item["code"] != _TRUST_ONLY)


def _broken(problem: c2pa.C2paError) -> Credentials:
    """Credentials so damaged that nothing of them can be read: there, and not to be believed."""
    return Credentials(
        valid=False,
        trusted=False,
        signer="",
        generator="",
        engines=(),
        title="",
        actions=(),
        source_types=(),
        ingredients=(),
        problems=(str(problem),),
    )
