from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from avatarium.engine.assets import AssetStatus, AssetStore, default_home
from avatarium.engine.assets.manifest import ESPEAK, KOKORO, MANIFEST, for_platform, this_platform
from avatarium.engine.assets.notice import licence_table
from avatarium.engine.assets.records import Asset, Installed, Package, Use

ROOT = Path(__file__).parents[4]
NOTICE = (ROOT / "NOTICE").read_text(encoding="utf-8")
PACKAGES = [package for asset in MANIFEST if isinstance(asset.source, tuple) for package in asset.source]


def _named(asset: Asset) -> str:
    return f"{asset.name}-{asset.platform}"


@pytest.mark.parametrize("asset", MANIFEST, ids=_named)
def test_entry_is_complete(asset: Asset) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", asset.name)
    assert asset.purpose.endswith(".") and asset.licence and asset.origin
    assert re.fullmatch(r"[0-9a-f]{64}", asset.contents.sha256)
    assert asset.recipe is None or re.fullmatch(r"[0-9a-f]{64}", asset.recipe.graph_sha256)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: str(package.name))
def test_package_is_pinned(package: Package) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", package.sha256)
    assert re.fullmatch(r"\d+(\.\d+)+(\.post\d+)?", package.version)
    assert package.takes and package.size > 0


def test_names_are_unique_on_every_machine() -> None:
    for machine in ("linux-x86_64", "linux-aarch64", "darwin-arm64", "darwin-x86_64"):
        names = [asset.name for asset in for_platform(MANIFEST, machine)]
        assert len(names) == len(set(names))
        assert "espeak-ng" in names
    assert "espeak-ng" not in [asset.name for asset in for_platform(MANIFEST, "plan9-mips")]


def test_every_take_lands_in_the_contents() -> None:
    for asset in MANIFEST:
        if isinstance(asset.source, tuple):
            tops = {take.into.split("/")[0] for package in asset.source for take in package.takes}
            assert tops == {asset.contents.path}


def test_releases_of_installed_packages_are_the_locked_ones() -> None:
    lock = (ROOT / "requirements" / "base.txt").read_text(encoding="utf-8")
    for asset in MANIFEST:
        if isinstance(asset.source, Installed):
            assert f"\n{asset.source.distribution}=={asset.source.version} " in "\n" + lock


def test_files_of_installed_packages_are_the_ones_of_the_manifest(tmp_path: Path) -> None:
    store = AssetStore(tmp_path)
    names = [asset.name for asset in store.list() if asset.in_place]
    assert len(names) >= 5
    assert set(store.verify(names).values()) == {AssetStatus.READY}


def test_strong_copyleft_is_said_to_run_apart() -> None:
    for asset in MANIFEST:
        if "GPL" in asset.licence:
            assert asset in ESPEAK
            assert "separate process" in asset.licence


def test_nothing_is_for_tests_only() -> None:
    """What tests listen with, viewers' rooms do too; so a plain fetch brings all of it."""
    assert [asset.name for asset in MANIFEST if asset.use is not Use.RUN] == []


def test_notice_holds_the_licence_table() -> None:
    assert licence_table() in NOTICE, "print it with: python -m avatarium.engine.assets.notice"


def test_licence_table_names_every_asset_once() -> None:
    heads = [line for line in licence_table().splitlines() if line and not line.startswith(" ")]
    assert heads == list(dict.fromkeys(asset.name for asset in MANIFEST))


def test_notice_names_every_python_package_of_the_lock() -> None:
    lock = (ROOT / "requirements" / "base.txt").read_text(encoding="utf-8")
    packages = re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)
    missing = [name for name in packages if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", NOTICE)]
    assert missing == []


def test_manifest_names_no_host() -> None:
    sources = (ROOT / "avatarium" / "engine" / "assets").glob("*.py")
    hosts = [host for path in sources for host in re.findall(r"https?://([\w.-]+\.\w+)", path.read_text("utf-8"))]
    assert set(hosts) <= {"models.example.org"}


def test_new_figures_make_a_new_fingerprint() -> None:
    from dataclasses import replace

    assert KOKORO.recipe
    other = replace(KOKORO, recipe=replace(KOKORO.recipe, graph_sha256="0" * 64))
    assert other.fingerprint != KOKORO.fingerprint
    assert replace(KOKORO, purpose="Another sentence.").fingerprint == KOKORO.fingerprint


def test_hibari_is_converted_from_the_installed_package(tmp_path: Path) -> None:
    path = AssetStore(tmp_path).path("hibari")
    stamp = json.loads((path.parent / "stamp.json").read_text())
    assert list(stamp["files"]) == ["hibari-durations.onnx"]
    import onnx

    assert [output.name for output in onnx.load(str(path)).graph.output][-1] == "/Clip_output_0"


@pytest.mark.parametrize(
    ("environment", "home"),
    [
        ({"AVATARIUM_HOME": "/srv/avatarium"}, Path("/srv/avatarium")),
        ({"AVATARIUM_HOME": "~/faces"}, Path.home() / "faces"),
        ({"XDG_DATA_HOME": "/data", "AVATARIUM_HOME": ""}, Path("/data/avatarium")),
        ({"XDG_DATA_HOME": "relative"}, Path.home() / ".local/share/avatarium"),
        ({}, Path.home() / ".local/share/avatarium"),
    ],
)
def test_home_follows_the_environment(environment: dict[str, str], home: Path) -> None:
    assert default_home(environment) == home


def test_this_machine_has_a_name() -> None:
    assert re.fullmatch(r"\w+-\w+", this_platform())
