from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.engine.assets.records import Package, Registry, Take
from avatarium.engine.assets.unpack import safe_path, unpack
from avatarium.errors import AssetError
from tests.unit.engine.assets.packages import entry, make_tarball

FOLDER = Take(member="data/", into="data")


def _package(*takes: Take) -> Package:
    return entry(Registry.PYPI, "parcel", b"", takes or (FOLDER,))


def _zip(path: Path, name: str, data: bytes = b"x", mode: int = 0o100644) -> Path:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, data)
    return path


@pytest.mark.parametrize("name", ["data/../../out.txt", "data/a/../../../out.txt", "data/..\\out.txt"])
def test_zip_member_that_climbs_out_is_refused(tmp_path: Path, name: str) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(AssetError) as caught:
        unpack(_zip(tmp_path / "a.zip", name), _package(), target, limit=100)
    assert caught.value.code == "asset_unsafe"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "a.zip"]


def test_absolute_path_is_refused_even_where_the_manifest_names_it(tmp_path: Path) -> None:
    outside = str(tmp_path / "out.txt")
    with pytest.raises(AssetError, match="not safe"):
        safe_path(tmp_path, outside, _package())


@given(st.text(alphabet="ab./\\:\0", min_size=1, max_size=20))
def test_safe_path_never_leaves_its_folder(name: str) -> None:
    root = Path("/root/of/target")
    try:
        path = safe_path(root, name, _package())
    except AssetError as error:
        assert error.code == "asset_unsafe"
    else:
        assert path.is_relative_to(root)
        assert ".." not in path.parts


def test_symbolic_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip", "data/link", b"/etc/passwd", mode=0o120777)
    with pytest.raises(AssetError, match="link"):
        unpack(archive, _package(), tmp_path / "target", limit=100)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tarball_are_refused(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("data/odd")
    info.type, info.linkname = kind, "/etc/passwd"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(info)
    (tmp_path / "a.tgz").write_bytes(buffer.getvalue())
    with pytest.raises(AssetError) as caught:
        unpack(tmp_path / "a.tgz", _package(), tmp_path / "target", limit=100)
    assert caught.value.code == "asset_unsafe"


def test_bomb_is_stopped_at_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(make_tarball({"data/zeros": bytes(10_000_000)}))
    with pytest.raises(AssetError, match="more bytes"):
        unpack(tmp_path / "a.tgz", _package(), tmp_path / "target", limit=1000)
    assert sum(path.stat().st_size for path in (tmp_path / "target").rglob("*") if path.is_file()) <= 1000


def test_only_what_is_taken_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.tgz").write_bytes(make_tarball({"data/a": b"1", "data/b/c": b"2", "else": b"3", "database": b"4"}))
    unpack(tmp_path / "a.tgz", _package(), tmp_path / "target", limit=100)
    files = {path.relative_to(tmp_path / "target").as_posix() for path in (tmp_path / "target").rglob("*.*")}
    found = {p.relative_to(tmp_path / "target").as_posix() for p in (tmp_path / "target").rglob("*") if p.is_file()}
    assert found == {"data/a", "data/b/c"} and not files


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_truncated_archive_is_one_sentence(tmp_path: Path, share: float) -> None:
    whole = make_tarball({"data/a": bytes(range(256)) * 400})
    (tmp_path / "a.tgz").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(AssetError) as caught:
        unpack(tmp_path / "a.tgz", _package(), tmp_path / "target", limit=200_000)
    assert caught.value.code == "asset_corrupt"
