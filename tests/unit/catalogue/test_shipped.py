"""What ships is what the engine has, under ids that never change."""

from __future__ import annotations

from avatarium.catalogue.shipped import shipped_avatars, shipped_backgrounds, shipped_files
from avatarium.engine.avatars import BUILT_IN
from avatarium.ids import is_id
from avatarium.storage.keys import is_key


def test_the_avatars_are_those_of_the_engine() -> None:
    assert [(avatar.source, avatar.gender) for avatar in shipped_avatars()] == [
        (built_in.name, built_in.gender) for built_in in BUILT_IN
    ]


def test_ids_never_change() -> None:
    """Clients keep them in their own settings."""
    assert {avatar.name: avatar.id for avatar in shipped_avatars()} == {
        "Ava": "2997dfc62ef129559908a47f",
        "Noah": "46bd18aad47b881bfa965c9d",
    }


def test_everything_has_an_id_and_a_key_of_its_own_and_a_file() -> None:
    ids = [avatar.id for avatar in shipped_avatars()] + [background.id for background in shipped_backgrounds()]
    assert len(set(ids)) == len(ids)
    assert all(is_id(one) for one in ids)
    files = {file.key: file for file in shipped_files()}
    wanted = [avatar.picture_key for avatar in shipped_avatars()] + [ground.key for ground in shipped_backgrounds()]
    assert sorted(files) == sorted(wanted)
    for key, file in files.items():
        assert is_key(key) and key.startswith("system/")
        head = file.source.read_bytes()[:8]
        assert head.startswith(
            {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8", "image/webp": b"RIFF"}[file.media_type]
        )
