"""The fonts of the manifest: what texts in pictures are set in."""

from __future__ import annotations

from avatarium.engine.assets.records import Asset, Contents, Installed, Package, Registry, Take

NOTO_SCRIPTS = (
    "Bengali",
    "Devanagari",
    "Ethiopic",
    "Gujarati",
    "Gurmukhi",
    "Kannada",
    "Khmer",
    "Lao",
    "Malayalam",
    "Myanmar",
    "Oriya",
    "Sinhala",
    "Symbols",
    "Tamil",
    "Telugu",
    "Thai",
)
"""Files of the asset ``noto``, with ``Emoji`` and ``Sans`` beside them."""

_DEJAVU_NAMES = {"Sans": "DejaVu Sans", "Serif": "DejaVu Serif", "SansMono": "DejaVu Sans Mono"}


def _dejavu(name: str, style: str, *, purpose: str, size: int, sha256: str) -> Asset:
    file = f"DejaVu{style}-Bold.ttf"
    return Asset(
        name=name,
        purpose=purpose,
        licence="Bitstream Vera licence, with the changes in the public domain",
        origin=f"{_DEJAVU_NAMES[style]} Bold by the DejaVu fonts team, after Bitstream Vera",
        source=Installed(
            distribution="matplotlib", version="3.11.2", module="matplotlib", path=f"mpl-data/fonts/ttf/{file}"
        ),
        contents=Contents(path=file, size=size, sha256=sha256),
    )


DEJAVU = _dejavu(
    "dejavu",
    "Sans",
    purpose="Sets texts in Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and Arabic letters into pictures.",
    size=704_128,
    sha256="b184b89e3c1075f22f6b71575b6fc20d4972b3cfd3b23322ca6fd596dcaef167",
)

DEJAVU_SERIF = _dejavu(
    "dejavu-serif",
    "Serif",
    purpose="Sets captions in letters with serifs: Latin, Greek, Cyrillic, Armenian and Georgian.",
    size=355_692,
    sha256="c3753f2ed6bc673f15846dc45addbeb3b9c872f32fb18fd53a21f1bef1ed7676",
)

DEJAVU_MONO = _dejavu(
    "dejavu-mono",
    "SansMono",
    purpose="Sets captions in letters of one width: Latin, Greek, Cyrillic, Armenian, Georgian and Arabic.",
    size=331_536,
    sha256="baada9a5172fe20886251aff0433fc38461912d5daf07287e7bee56620a8da96",
)

NOTO = Asset(
    name="noto",
    purpose="Sets texts in the letters of South and Southeast Asia and of Ethiopia, and emoji, into pictures.",
    licence="OFL-1.1",
    origin="Noto fonts by the Noto Project authors and Google",
    source=(
        Package(
            registry=Registry.PYPI,
            name="manimgx-fonts",
            version="2026.9.26.post1",
            sha256="e5e21178263ddec3eef9414d2b52a1c90ac01062d3e9067460f3359f854c3e17",
            size=3_534_717,
            takes=(
                Take(member="manimgx_fonts/NotoEmoji[wght].ttf", into="noto/Emoji.ttf"),
                Take(member="manimgx_fonts/NotoSans[wght].ttf", into="noto/Sans.ttf"),
                *(
                    Take(member=f"manimgx_fonts/NotoSans{script}[wght].ttf", into=f"noto/{script}.ttf")
                    for script in NOTO_SCRIPTS
                ),
            ),
        ),
    ),
    contents=Contents(
        path="noto",
        size=5_583_552,
        sha256="b0a87671c17e5e65f17ffacfa9d4b90af17d5486d7ba12a44ab930611bb634c5",
        files=18,
    ),
)

NOTO_ARABIC = Asset(
    name="noto-arabic",
    purpose="Sets Urdu, and what else has Arabic letters that DejaVu Sans lacks, into pictures.",
    licence="OFL-1.1",
    origin="Noto Sans Arabic by the Noto Project authors",
    source=(
        Package(
            registry=Registry.NPM,
            name="@expo-google-fonts/noto-sans-arabic",
            version="0.4.3",
            sha256="29e966f9d48a4ce7dd3c2c4c016f29cd888089538217303fb2c87de9e7f048ed",
            size=1_778_562,
            takes=(Take(member="package/700Bold/NotoSansArabic_700Bold.ttf", into="NotoSansArabic-Bold.ttf"),),
        ),
    ),
    contents=Contents(
        path="NotoSansArabic-Bold.ttf",
        size=194_380,
        sha256="a86a704ff8b315082f4859b04c2f8f746f4cefb14553ef10505f143e0d4829d3",
    ),
)

NOTO_CJK = Asset(
    name="noto-cjk",
    purpose="Sets texts in Chinese, Japanese and Korean into pictures.",
    licence="OFL-1.1",
    origin="Noto Sans CJK by Adobe and Google",
    source=(
        Package(
            registry=Registry.PYPI,
            name="manimgx-fonts-cjk",
            version="2026.9.26.post1",
            sha256="05d5584c73877f37427cf0ca8067f5bacea2b596c7be79e8aedd634bb9f2b666",
            size=19_785_596,
            takes=(Take(member="manimgx_fonts_cjk/NotoSansCJK-VF.otf.ttc", into="NotoSansCJK.ttc"),),
        ),
    ),
    contents=Contents(
        path="NotoSansCJK.ttc",
        size=32_682_580,
        sha256="d3d8256cdec8dbcb3552284bc6b20c734dd60c2ee9df83b5758e34807c4bac32",
    ),
)

FONTS = (DEJAVU, DEJAVU_SERIF, DEJAVU_MONO, NOTO, NOTO_ARABIC, NOTO_CJK)
