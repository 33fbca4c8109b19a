"""Whatever a video may be refused for is told in the guide."""

from __future__ import annotations

import re
from pathlib import Path

import avatarium

PACKAGE = Path(avatarium.__file__).parent
GUIDE = PACKAGE.parent / "docs" / "twins.md"
REFUSING = (
    *(PACKAGE / "engine" / "video").glob("intake*.py"),
    *(PACKAGE / "engine" / "face" / "video" / name for name in ("fitness.py", "choosing.py")),
    PACKAGE / "families" / "clips.py",
)


def test_every_reason_stands_in_the_guide() -> None:
    codes = {code for path in REFUSING for code in re.findall(r'code="(\w+)"', path.read_text(encoding="utf-8"))}
    table = GUIDE.read_text(encoding="utf-8").partition("| `reason` |")[2].partition("\n\n")[0]
    assert len(codes) > 15 and codes <= set(re.findall(r"`(\w+)`", table))
