"""The family that ``docs/engines.md`` shows, plugged in as a user would."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.running import COINS, running

PAGE = Path(__file__).parents[3] / "docs" / "engines.md"
COLOUR, NEGATIVE = (200, 100, 0), (55, 155, 255)


def test_the_family_in_the_documentation_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r"```python\n(\"\"\"negative\.py.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "negative.py").write_text(found[1], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "plugins")
    picture = BytesIO()
    Image.new("RGB", (64, 48), COLOUR).save(picture, "PNG")

    with running(tmp_path / "home", plugins=["negative"]) as it:
        request = {"image_url": it.upload(picture.getvalue(), "picture.png")}
        quote = it.post("generation/quote", {"endpoint": "POST /api/v1/negative/start", "requestBody": request})
        task = it.post("negative/start", request)
        it.work()
        record = it.get(f"negative/{task['_id']}")
        assert (record["current_status"], record["engine"]) == ("completed", "our-model-1"), record["failed_message"]
        assert quote["coins"] == record["coins"] == 5 and it.balance() == (COINS - 5, 0)
        with Image.open(BytesIO(it.download(record["result_url"]))) as made:
            assert made.getpixel((10, 10)) == NEGATIVE
        assert it.get("negative/allRecords")["count"] == 1
        operation = it.client.get("/openapi.json").json()["paths"]["/api/v1/negative/start"]["post"]
        assert operation["tags"] == ["Our own"]

        task = it.post("negative/start", {"image_url": it.upload(b"<html></html>", "page.png")})
        it.work()
        assert it.get(f"negative/{task['_id']}")["failed_code"] == "wrong_kind" and it.balance() == (COINS - 5, 0)
