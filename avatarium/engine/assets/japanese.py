"""The dictionary by which Japanese is cut into words and read aloud."""

from __future__ import annotations

from avatarium.engine.assets.records import Asset, Contents, Package, Registry, Take

_FILES = ("COPYING", "char.bin", "matrix.bin", "sys.dic", "unk.dic")

JAPANESE_DICTIONARY = Asset(
    name="japanese-dictionary",
    purpose="Words of Japanese with their readings, in MeCab's format.",
    licence="BSD-3-Clause (NAIST-jdic), with additions under the MIT licence",
    origin="NAIST-jdic of Open JTalk, enlarged by pyopenjtalk-plus by tsukumi",
    source=(
        Package(
            registry=Registry.PYPI,
            name="pyopenjtalk-plus",
            version="0.4.1.post10",
            sha256="239c2fe9d6fb97a3c14ccfaabee91f44c7953d36b34249c7e05884eecbebc93d",
            size=32_573_858,
            takes=(
                *(Take(member=f"pyopenjtalk/dictionary/{name}", into=f"japanese/{name}") for name in _FILES),
                # An empty file: MeCab wants one of this name beside a dictionary, and Open JTalk's has none.
                Take(member="pyopenjtalk/py.typed", into="japanese/dicrc"),
            ),
            built_for=("3.11", "manylinux_2_28_x86_64"),
        ),
    ),
    contents=Contents(
        path="japanese",
        size=107_371_764,
        sha256="697be4d3883bacff6784f28bc1888ca5c2a3ff3033e133c648030753d7741144",
        files=6,
    ),
)
