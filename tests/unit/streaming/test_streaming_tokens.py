"""Agora's AccessToken2, against tokens of their builder and of A2E's own page."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.errors import AuthError
from avatarium.settings import Settings
from avatarium.streaming import tokens
from avatarium.streaming.tokens import AccessToken, Credentials, Privilege, build, packed, parse, verified, viewer_token

PAGE = (
    "007eJxTYNAXcQ3j/95/6dKbhdr7/3VcW1Ol9Oz647Ypp9cp/ZyoKHlLgcHA0DjRxMAyMSk5JckkOdXAwjjFwDAtzTg5yTDZ3CI1+Z95VroNAwODx6t/"
    "TIwMjAwsQAziM4FJZjDJAiZZGdIsTNJSOBmMLS2NTY2MjUwB4uEkxg=="
)
"""Printed in A2E's page of agora-token."""
AGORA = Credentials(app_id="970ca35de60c44645bbae8a215061b33", certificate="5cfd2fd1755d40ecb72977518be15d3b")
BUILT: dict[str, tuple[str, dict[str, Any]]] = {
    "join": (
        "007eJxTYHBbvsRssSub7XzXhbHy8y/Hniic07zzonVPRv6UA+fOTt+uwGBpbpCcaGyakmpmkGxiYmZimpSUmGqRaGRoamBmmGRs/M88K92GgYHB49U/"
        "JkYGCATxWRkSDZOMkjkZjM0MLI2MjSwNAK4lIVw=",
        {"channel": "a1b2c", "uid": 360923290, "issued_s": 1735014398, "valid_s": 60, "salt": 50260552},
    ),
    "with sound": (
        "007eJxTYBDK2ewebF+VsGPBMqGUNTmckxec3DJva4TTJJ+ye2Gv0rcoMFiaGyQnGpumpJoZJJuYmJmYJiUlplokGhmaGpgZJhkb/zPPShfgY2BgZABh"
        "RgYmIAbxmcAkK0OiYZJRMieDsZmBpZGxkaUBALniHjQ=",
        {"channel": "a1b2c", "uid": 360923290, "issued_s": 1735014398, "valid_s": 3600, "salt": 1, "microphone": True},
    ),
    "for anybody": (
        "007eJxTYJjYnyvvK6Ji9ahHUXO589Kpy87KJ0ruP5opJaDOd11j2k8FBktzg+REY9OUVDODZBMTMxPTpKTEVItEI0NTAzPDJGNj9y8CDAoyDAz/H3xl"
        "ZWSAQBCflSENBBgYAINQHJA=",
        {"channel": "fffff", "uid": 0, "issued_s": 1111111, "valid_s": 7200, "salt": 99999999},
    ),
}
"""By ``agora-token`` 2.0.6 of Agora, with these credentials."""


def unpacked(token: str) -> bytes:
    return zlib.decompress(base64.b64decode(token.removeprefix("007")))


def test_the_token_of_a2es_page_is_read() -> None:
    token, signature, info = parse(PAGE)
    assert token == AccessToken(
        app_id="013a409abcdb4ce083d01ff3cb1c78ec",
        channel="f84fd",
        uid="399352325",
        issued_s=1735014398,
        valid_s=60,
        salt=50260552,
        privileges={1: 60, 2: 60, 3: 60, 4: 60},
    )
    assert len(signature) == 32
    assert packed(token, "whatever")[34:] == info, "written again it is the same but for the signature"


@pytest.mark.parametrize("name", BUILT)
def test_tokens_are_those_of_agoras_builder_byte_for_byte(name: str) -> None:
    theirs, given_to_it = BUILT[name]
    ours = viewer_token(AGORA, **{"microphone": False} | given_to_it)
    assert unpacked(ours) == unpacked(theirs)
    assert verified(theirs, AGORA) == verified(ours, AGORA)


def test_viewers_may_join_and_no_more() -> None:
    token = verified(BUILT["join"][0], AGORA)
    assert [right for right in Privilege if token.allows(right)] == [Privilege.JOIN]
    talking = verified(BUILT["with sound"][0], AGORA)
    assert [right for right in Privilege if talking.allows(right)] == [Privilege.JOIN, Privilege.PUBLISH_AUDIO]


@given(
    channel=st.text(max_size=64),
    uid=st.integers(0, 2**32 - 1),
    issued_s=st.integers(0, 2**32 - 1),
    valid_s=st.integers(0, 2**32 - 1),
    microphone=st.booleans(),
)
def test_what_was_written_is_read(channel: str, uid: int, issued_s: int, valid_s: int, microphone: bool) -> None:
    made = viewer_token(AGORA, channel=channel, uid=uid, issued_s=issued_s, valid_s=valid_s, microphone=microphone)
    token = verified(made, AGORA)
    assert (token.channel, token.uid, token.issued_s) == (channel, str(uid) if uid else "", issued_s)
    assert token.expires_s == issued_s + valid_s and 1 <= token.salt <= tokens.SALT_MAX
    assert token.allows(Privilege.PUBLISH_AUDIO) == microphone


@given(place=st.integers(0, 10**6), flip=st.integers(1, 255))
def test_a_changed_token_opens_nothing(place: int, flip: int) -> None:
    content = bytearray(unpacked(BUILT["join"][0]))
    content[place % len(content)] ^= flip
    with pytest.raises(AuthError) as refused:
        verified("007" + base64.b64encode(zlib.compress(bytes(content))).decode(), AGORA)
    assert refused.value.code == "bad_room_token"


@given(content=st.binary(max_size=300), deflated=st.booleans())
def test_rubbish_is_no_token(content: bytes, deflated: bool) -> None:
    text = "007" + base64.b64encode(zlib.compress(content) if deflated else content).decode()
    with pytest.raises(AuthError):
        verified(text, AGORA)


@pytest.mark.parametrize(
    "text", ["", "007", "006" + PAGE[3:], PAGE[:40], PAGE + "!", "007" + "A" * 3000, "sk_1", "007é"]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(AuthError):
        parse(text)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = "007" + base64.b64encode(zlib.compress(b"\0" * 10**6)).decode()
    assert len(bomb) < tokens.LONGEST
    with pytest.raises(AuthError):
        parse(bomb)


def test_other_services_than_sound_and_picture_open_no_room() -> None:
    token = verified(BUILT["join"][0], AGORA)
    info = unpacked(BUILT["join"][0])[34:]
    at = info.index(struct.pack("<HHH", 1, 1, 1))
    changed = info[:at] + struct.pack("<HHH", 1, 5, 1) + info[at + 6 :]
    signature = tokens._signature(token, AGORA.certificate, changed)
    whole = struct.pack("<H", 32) + signature + changed
    with pytest.raises(AuthError):
        verified("007" + base64.b64encode(zlib.compress(whole)).decode(), AGORA)


def test_every_installation_has_credentials_of_its_own(tmp_path: Path) -> None:
    ours, theirs = (Credentials.of(Settings(home=tmp_path), secret) for secret in (b"a" * 32, b"b" * 32))
    assert ours == Credentials.of(Settings(home=tmp_path), b"a" * 32) != theirs
    assert len(ours.app_id) == len(ours.certificate) == 32 and int(ours.app_id, 16)
    real = Settings(home=tmp_path, agora_app_id=AGORA.app_id, agora_certificate=AGORA.certificate)
    assert Credentials.of(real, b"a" * 32) == AGORA
    assert AGORA.certificate not in repr(AGORA)


def test_the_privilege_to_join_may_end_before_the_token() -> None:
    token = parse(PAGE)[0]
    assert token.expires_s == 1735014458
    short = AccessToken(
        app_id="", channel="", uid="", issued_s=100, valid_s=60, salt=1, privileges={Privilege.JOIN: 10}
    )
    assert short.ends_s(Privilege.JOIN) == 110 and short.ends_s(Privilege.PUBLISH_AUDIO) == 100
    assert short.expires_s == 110 and verified(build(short, "x"), Credentials(app_id="", certificate="x")) == short
