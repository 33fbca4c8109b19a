"""The browser module as one script: complete, in step with its parts, and without anything from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from avatarium.engine.live.gestures import Gesture
from avatarium.streaming.booking import EMOTIONS
from avatarium.streaming.browser.bundle import ORDER, PUBLIC, SDK, Form, script
from avatarium.streaming.browser.files import PAGES, page_file, page_names

DECLARED = re.compile(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)
IMPORTED = re.compile(r"^import \{([^}]*)\} from \"\./([\w-]+)\.js\";$", re.MULTILINE)


def source(name: str) -> str:
    return (SDK / f"{name}.js").read_text(encoding="utf-8")


def test_every_part_is_in_the_script_once() -> None:
    assert sorted(ORDER) == sorted(path.stem for path in SDK.glob("*.js"))


def test_no_two_parts_declare_the_same_name() -> None:
    declared = Counter(name for part in ORDER for name in DECLARED.findall(source(part)))
    assert not [name for name, count in declared.items() if count > 1]


@pytest.mark.parametrize("part", ORDER)
def test_a_part_imports_what_its_neighbours_export_and_never_by_another_name(part: str) -> None:
    imports = IMPORTED.findall(source(part))
    assert len(imports) == len(re.findall(r"^import\b", source(part), re.MULTILINE))
    for names, neighbour in imports:
        exported = set(
            re.findall(r"^export (?:async )?(?:function|class|const) (\w+)", source(neighbour), re.MULTILINE)
        )
        wanted = {name.strip() for name in names.split(",")}
        assert wanted <= exported, f"{part} takes {wanted - exported} from {neighbour}"


def test_classes_stand_after_those_they_extend() -> None:
    where = {name: i for i, part in enumerate(ORDER) for name in DECLARED.findall(source(part))}
    for i, part in enumerate(ORDER):
        for base in re.findall(r"^(?:export )?class \w+ extends (\w+)", source(part), re.MULTILINE):
            assert where.get(base, -1) <= i


@pytest.mark.parametrize("form", Form)
def test_the_script_stands_alone(form: Form) -> None:
    text = script(form).decode()
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)
    assert ("import.meta" in text) == (form is Form.MODULE)
    assert ("window.AgoraRTC = AgoraRTC;" in text) == (form is Form.CLASSIC)
    assert not re.search(r"https?://(?!www\.w3\.org)[a-z]", text.replace("https://avatar.example", ""))


def test_the_module_exports_its_names() -> None:
    text = script(Form.MODULE).decode()
    assert text.rstrip().endswith(f"export default AgoraRTC;\nexport {{ AgoraRTC, {', '.join(PUBLIC)} }};")
    declared = set(DECLARED.findall(text))
    assert set(PUBLIC) <= declared


@pytest.mark.skipif(shutil.which("node") is None, reason="no node is installed")
@pytest.mark.parametrize("form", Form)
def test_the_script_is_valid(form: Form, tmp_path: Path) -> None:
    file = tmp_path / ("agora-rtc.mjs" if form is Form.MODULE else "agora-rtc.cjs")
    file.write_bytes(script(form))
    checked = subprocess.run(["node", "--check", str(file)], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr


def test_the_demo_page_offers_what_rooms_take() -> None:
    text = page_file("setup.js").body.decode()

    def keys(constant: str) -> list[str]:
        found = re.search(rf"const {constant} = \{{(.*?)\}};", text)
        assert found
        return re.findall(r"(\w+): \"", found[1])

    assert keys("EMOTIONS") == list(EMOTIONS)
    assert keys("GESTURES") == [gesture.value for gesture in Gesture]


@pytest.mark.parametrize("name", ["live.html", "network.html"])
def test_pages_load_nothing_but_our_own_files(name: str) -> None:
    text = (PAGES / name).read_text(encoding="utf-8")
    loaded = re.findall(r"(?:src|href)=\"([^\"#]+)\"", text)
    ours = {f"/live/{file}" for file in page_names()} | {"/live", "/live/network", "/docs", "/agora-rtc.js", "data:,"}
    assert set(loaded) <= ours
    assert not re.search(r"\s(?:style|on\w+)=\"", text), "the policy of the page forbids these"


@pytest.mark.parametrize("name", sorted(name for name in page_names() if name.endswith(".js")))
def test_scripts_of_pages_find_their_elements(name: str) -> None:
    markup = "".join((PAGES / page).read_text(encoding="utf-8") for page in ("live.html", "network.html"))
    for wanted in re.findall(r"\$\(\"([\w-]+)\"\)", page_file(name).body.decode()):
        assert f'id="{wanted}"' in markup, f"{name} looks for #{wanted}"


@pytest.mark.parametrize("page", ["live.html", "network.html"])
def test_every_control_has_a_name(page: str) -> None:
    text = (PAGES / page).read_text(encoding="utf-8")
    for tag, attributes, inside in re.findall(r"<(button)\b([^>]*)>(.*?)</button>", text, re.DOTALL):
        words = re.sub(r"<[^>]+>|&#\d+;", "", inside).strip()
        assert words or "aria-label" in attributes, f"{tag} {attributes}"
    for tag, attributes in re.findall(r"<(input|select|textarea)\b([^>]*)>", text):
        before = text[: text.index(attributes)]
        inside_label = before.rfind("<label") > before.rfind("</label>")
        assert inside_label or "aria-label" in attributes, f"{tag} {attributes}"
