"""A few seconds of an avatar that introduces itself: what lists of avatars play."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from avatarium.engine.face.style import SpeakingStyle
from avatarium.engine.production import Take
from avatarium.engine.script import Progress
from avatarium.engine.speech import Voice
from avatarium.engine.talking import SpeakOptions, choose_voice, perform, prepare_view, script_of_text
from avatarium.engine.video.canvas import Canvas

HEIGHT = 480
GREETINGS: Mapping[str, str] = {
    "en": "Hello! Nice to meet you. What would you like me to say?",
    "es": "¡Hola! Mucho gusto. ¿Qué quieres que diga?",
    "fr": "Bonjour ! Enchanté. Que voulez-vous que je dise ?",
    "hi": "नमस्ते! आपसे मिलकर अच्छा लगा। मैं क्या कहूँ?",
    "it": "Ciao! Piacere di conoscerti. Che cosa devo dire?",
    "pt": "Olá! Muito prazer. O que você quer que eu diga?",
}
"""What is said, by the language of the voice; about three seconds."""


def preview(
    avatar: str | Path,
    out: str | Path,
    *,
    voice: str | None = None,
    style: SpeakingStyle | None = None,
    seed: int = 0,
    scratch: Path | None = None,
    progress: Progress | None = None,
) -> Take:
    """Make a short video of an avatar, 480 pixels high in the shape of its picture, with its own ground.

    Args:
        avatar: a picture with a face in it, a packed twin, or a built-in avatar's name.
        out: an ``.mp4`` or ``.webm`` file.
        voice: name of a voice; None takes the one that the avatar speaks with.
        style: how this very person speaks; None is how most people do.
        seed: of all randomness.
        scratch: the folder in which a twin is unpacked meanwhile; None is the system's.
        progress: told how far the video is.

    Raises:
        InputError, OutputError, AssetError: as :func:`speak`.
    """
    options = SpeakOptions(voice=voice, canvas=Canvas(resolution=HEIGHT), style=style, seed=seed, scratch=scratch)
    script = script_of_text(_greeting(choose_voice(avatar, options)), avatar, options)
    view = prepare_view(avatar, options)
    try:
        return perform(view, script, Path(out), options=options, progress=progress)
    finally:
        view.close()


def _greeting(voice: Voice) -> str:
    return GREETINGS.get(voice.language.partition("-")[0], GREETINGS["en"])
