"""Whether a voice can read what a text is written in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.engine.speech import find_voice, stream
from avatarium.engine.speech.text.scripts import check_script
from avatarium.errors import TextError


@pytest.mark.parametrize(
    ("voice", "text", "advice"),
    [
        ("hibari-ava", "Привет, как дела?", "Russian"),
        ("hibari-ava", "你好，世界", "Chinese"),
        ("hibari-ava", "Hello, как ваши дела сегодня?", "Russian"),
        ("kokoro-alpha-ja", "How are you doing today?", "language"),
        ("kokoro-alpha-ja", "今天天气很好我们一起去公园散步吧好不好", "Chinese"),
        ("kokoro-alpha-ja", "안녕하세요", "Korean"),
        ("kokoro-xiaobei-zh", "こんにちは、私の名前です", "Japanese"),
        ("kokoro-alpha-hi", "This text is all English.", "language"),
        ("espeak-woman-de", "नमस्ते", "Hindi"),
        ("espeak-woman-ru", "مرحبا بكم جميعا", "Arabic"),
        ("espeak-man-el", "Guten Morgen zusammen, wie geht's?", "language"),
    ],
)
def test_another_script_is_refused_with_who_reads_it(voice: str, text: str, advice: str) -> None:
    with pytest.raises(TextError, match=advice) as caught:
        check_script(text, find_voice(voice))
    assert caught.value.code == "wrong_script"


@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("hibari-ava", "My friend Иван says hello to all of you."),
        ("kokoro-alpha-ja", "東京タワー"),
        ("kokoro-alpha-ja", "東京都千代田区"),
        ("kokoro-alpha-ja", "ChatGPTを使って、OpenAIのAPIで文章を書きます。"),
        ("kokoro-alpha-ja", "OK"),
        ("kokoro-xiaobei-zh", "我用iPhone 15 Pro Max给你打电话。"),
        ("kokoro-xiaobei-zh", "日本的「の」字很有意思，大家都知道。"),
        ("kokoro-alpha-hi", "मैं WhatsApp और Facebook चलाता हूँ।"),
        ("espeak-woman-sr", "Добар дан"),
        ("espeak-woman-ko", "안녕하세요, 저는 BTS를 좋아합니다."),
        ("hibari-ava", "12345 😀 !!"),
        ("hibari-ava", ""),
    ],
)
def test_names_in_other_letters_are_no_other_script(voice: str, text: str) -> None:
    check_script(text, find_voice(voice))


def test_synthesis_refuses_before_anything_is_loaded() -> None:
    with pytest.raises(TextError, match="Japanese"):
        stream("こんにちは、元気ですか。", "hibari-ava")


@given(st.text(max_size=300), st.sampled_from(["hibari-ava", "kokoro-alpha-ja", "kokoro-xiaobei-zh", "espeak-man-ar"]))
def test_any_text_is_judged(text: str, voice: str) -> None:
    try:
        check_script(text, find_voice(voice))
    except TextError as error:
        assert error.code == "wrong_script" and error.args[0].endswith(".")
