"""One script out of the modules in ``sdk/``: as an ES module and as a classic script, made when first asked for.

The modules are written so that joining them is enough: each imports names from its neighbours only, none renames, and
no two declare the same name (a test holds this). So there is nothing to build and nothing that could be out of step.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from pathlib import Path

SDK = Path(__file__).parent / "sdk"
ORDER = (
    "logs", "errors", "emitter", "here", "parameters", "token", "sdp", "statistics", "autoplay", "cutout", "remote",
    "local", "pcm", "player", "whep", "socket", "session", "watch", "client", "agora",
)  # fmt: skip
"""Each after those it uses while it loads."""
PUBLIC = (
    "VERSION", "createClient", "createMicrophoneAudioTrack", "createCustomAudioTrack", "checkSystemRequirements",
    "getDevices", "getMicrophones", "getPlaybackDevices", "getCameras", "getSupportedCodec", "setLogLevel",
    "setParameter", "getParameter", "setServer", "AgoraRTCException",
)  # fmt: skip
"""What can be imported by name besides the default export."""
NOTICE = "// The viewer of Avatarium's live rooms, with the interface of agora-rtc-sdk-ng.\n"

_IMPORT = re.compile(r"^import \{[^}]*\} from \"\./([\w-]+)\.js\";\n", re.MULTILINE)
_REEXPORT = re.compile(r"^export \{[^}]*\};\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) )", re.MULTILINE)
_HERE = "const HERE = import.meta.url;"
_CLASSIC_HERE = 'const HERE = (document.currentScript && document.currentScript.src) || "";'


class Form(StrEnum):
    """How the script is loaded."""

    MODULE = "module"
    """``import AgoraRTC from "https://.../agora-rtc.js"``"""
    CLASSIC = "classic"
    """``<script src="https://.../agora-rtc.global.js">``, then ``window.AgoraRTC``"""


@cache
def script(form: Form) -> bytes:
    """The whole script, UTF-8."""
    body = "\n".join(_part(name) for name in ORDER)
    if form is Form.MODULE:
        text = f"{NOTICE}{body}\nexport default AgoraRTC;\nexport {{ AgoraRTC, {', '.join(PUBLIC)} }};\n"
    else:
        classic = body.replace(_HERE, _CLASSIC_HERE)
        text = f'{NOTICE}(() => {{\n"use strict";\n{classic}\nwindow.AgoraRTC = AgoraRTC;\n}})();\n'
    return text.encode()


def _part(name: str) -> str:
    text = (SDK / f"{name}.js").read_text(encoding="utf-8")
    return _EXPORT.sub("", _REEXPORT.sub("", _IMPORT.sub("", text)))
