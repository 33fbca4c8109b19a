"""Offers read, answers written."""

from __future__ import annotations

import re

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarium.errors import RequestError
from avatarium.streaming.transports.link import IceIdentity
from avatarium.streaming.transports.sdp import (
    Answer,
    Offer,
    Sender,
    read_fragment,
    read_offer,
    write_answer,
    write_fragment,
)
from tests.support.live_offers import CHROMIUM

SIZE = (512, 512)


def _answer(offer: Offer, *, alpha: bool = False) -> str:
    mids = [section.mid for section in offer.sections if section.picture or section.sound]
    return write_answer(
        Answer(
            offer=offer,
            local=IceIdentity(ufrag="abcd", password="p" * 22),
            candidates=[],
            fingerprints=[],
            senders={mid: Sender(ssrc=1, resent_ssrc=2, track="track") for mid in mids},
            stream="stream",
            session=1,
            alpha=alpha,
        )
    )


def test_only_the_picture_of_a_transparent_room_is_said_to_have_its_mask_below() -> None:
    offer = read_offer(CHROMIUM, may_publish=False, size=SIZE)
    assert "x-alpha" not in _answer(offer)
    _, *sections = re.split(r"^m=", _answer(offer, alpha=True), flags=re.MULTILINE)
    told = {section.split()[0]: section.count("a=x-alpha:below\r\n") for section in sections}
    assert told.pop("video") == 1 and not any(told.values())


def _code(text: str) -> str:
    with pytest.raises(RequestError) as refused:
        read_offer(text, may_publish=False, size=SIZE)
    return refused.value.code


def test_chromium_gets_constrained_baseline_with_repeats_and_opus_with_red() -> None:
    offer = read_offer(CHROMIUM, may_publish=False, size=SIZE)
    picture, sound, channels = offer.find("picture"), offer.find("sound"), offer.find("channels")
    assert picture and picture.picture and picture.picture.name == "h264"
    assert picture.picture.codec.payloadType == 108
    assert picture.picture.resent and picture.picture.resent.payloadType == 109
    assert sound and sound.sound and sound.sound.doubled and sound.sound.doubled.payloadType == 63
    assert channels and not offer.find("microphone")
    assert offer.role == "client"


def test_the_answer_is_one_that_parses_and_stands_section_for_section() -> None:
    answer = SessionDescription.parse(_answer(read_offer(CHROMIUM, may_publish=False, size=SIZE)))
    assert [media.kind for media in answer.media] == ["video", "audio", "application"]
    assert [media.direction for media in answer.media[:2]] == ["sendonly", "sendonly"]
    assert [str(codec) for codec in answer.media[0].rtp.codecs] == ["H264/90000", "rtx/90000"]
    feedback = {(back.type, back.parameter) for back in answer.media[0].rtp.codecs[0].rtcpFeedback}
    assert feedback == {("nack", None), ("nack", "pli"), ("ccm", "fir"), ("goog-remb", None)}
    opus = answer.media[1].rtp.codecs[0]
    assert opus.parameters["useinbandfec"] == 1
    assert answer.group[0].items == ["0", "1", "2"]


def test_without_h264_there_is_vp8_and_without_both_a_plain_refusal() -> None:
    bare = re.sub(r"H264/90000", "H265/90000", CHROMIUM)
    offer = read_offer(bare, may_publish=False, size=SIZE)
    picture = offer.find("picture")
    assert picture and picture.picture and picture.picture.name == "vp8"
    assert _code(bare.replace("VP8/90000", "VP9/90000")) == "no_common_codec"
    assert _code(CHROMIUM.replace("opus/48000/2", "isac/16000")) == "no_common_codec"


def test_h264_for_smaller_pictures_than_ours_is_passed_over() -> None:
    small = CHROMIUM.replace("level-asymmetry-allowed=1;", "").replace("42e01f", "42e00a").replace("001f", "000a")
    offer = read_offer(small, may_publish=False, size=SIZE)
    picture = offer.find("picture")
    assert picture and picture.picture and picture.picture.name == "vp8"


@pytest.mark.parametrize(("direction", "may", "ours"), [
    ("sendrecv", True, "sendrecv"), ("sendrecv", False, "sendonly"), ("recvonly", True, "sendonly"),
])  # fmt: skip
def test_a_microphone_is_taken_where_it_is_offered_and_allowed(direction: str, may: bool, ours: str) -> None:
    head, tail = CHROMIUM.split("m=audio")
    text = head + "m=audio" + tail.replace("a=recvonly", f"a={direction}")
    offer = read_offer(text, may_publish=may, size=SIZE)
    sound = offer.find("sound")
    assert sound and sound.direction == ours
    assert (offer.find("microphone") is not None) == (ours == "sendrecv")


def test_a_second_picture_is_refused_alone() -> None:
    session, video, audio = re.split(r"(?=m=video|m=audio)", CHROMIUM)
    second = video.replace("a=mid:0", "a=mid:9")
    text = session.replace("BUNDLE 0 1 2", "BUNDLE 9 0 1 2") + video + second + audio
    answer = _answer(read_offer(text, may_publish=False, size=SIZE))
    parts = re.split(r"(?=m=)", answer)
    assert [re.match(r"m=(\w+) (\d+)", part).groups() for part in parts[1:]] == [  # type: ignore[union-attr]
        ("video", "9"), ("video", "0"), ("audio", "9"), ("application", "9"),
    ]  # fmt: skip
    assert "a=group:BUNDLE 0 1 2\r\n" in answer


def test_sound_alone_and_pictures_alone_are_fine() -> None:
    session, video, rest = re.split(r"(?=m=video|m=audio)", CHROMIUM)
    audio = re.split(r"(?=m=application)", rest)[0]
    assert read_offer(session + video, may_publish=False, size=SIZE).find("sound") is None
    assert read_offer(session + audio, may_publish=False, size=SIZE).find("picture") is None


@pytest.mark.parametrize("text", [
    "", "hello", "v=0\r\n", "v=0\r\nm=video nonsense\r\n", "{}", "\0" * 100, "v=0\r\n" * 20_000,
    CHROMIUM.replace("a=mid:1", "a=mid:0"),
    CHROMIUM.replace("a=group:BUNDLE 0 1 2\r\n", ""),
    CHROMIUM.replace("a=ice-ufrag:", "a=x:"),
    CHROMIUM.replace("a=fingerprint:sha-256", "a=fingerprint:md5"),
    CHROMIUM.replace("a=setup:actpass", "a=setup:holdconn"),
    CHROMIUM.replace("a=recvonly", "a=inactive"),
    CHROMIUM.replace("a=mid:0", "a=mid:evil mid"),
    CHROMIUM.replace("a=mid:0", "a=mid"),
])  # fmt: skip
def test_garbage_is_refused_with_a_sentence(text: str) -> None:
    assert _code(text) == "bad_sdp"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_mangled_offer_does_more_than_be_refused(data: st.DataObject) -> None:
    lines = CHROMIUM.split("\r\n")
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(lines) - 1))
        kind = data.draw(st.sampled_from(["drop", "twice", "cut", "noise", "swap"]))
        line = lines[at]
        changed = {
            "drop": [],
            "twice": [line, line],
            "cut": [line[: data.draw(st.integers(0, len(line)))]],
            "noise": [line + data.draw(st.text(max_size=8))],
            "swap": [lines[data.draw(st.integers(0, len(lines) - 1))]],
        }[kind]
        lines[at : at + 1] = changed
        lines = lines or [""]
    try:
        offer = read_offer("\r\n".join(lines), may_publish=data.draw(st.booleans()), size=SIZE)
    except RequestError as refused:
        assert refused.code in ("bad_sdp", "no_common_codec")
    else:
        assert _answer(offer).startswith("v=0\r\n")


def test_a_fragment_names_its_session_and_brings_candidates() -> None:
    text = (
        "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
        "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1\r\n"
        "a=end-of-candidates\r\n"
    )
    found = read_fragment(text)
    assert found.ufrag == "EsAw"
    assert [(candidate.host, candidate.port) for candidate in found.candidates] == [("192.0.2.1", 61764)]
    for wrong in ("", "a=ice-ufrag:EsAw", text.replace("61764", "many")):
        with pytest.raises(RequestError):
            read_fragment(wrong)


def test_our_own_fragment_can_be_read_again() -> None:
    found = read_fragment(write_fragment(IceIdentity(ufrag="abcd", password="p" * 22), read_fragment(
        "a=ice-ufrag:EsAw\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\na=candidate:1 1 udp 5 192.0.2.1 61764 typ host"
    ).candidates, "0"))  # fmt: skip
    assert found.password == "p" * 22
    assert found.candidates[0].port == 61764
