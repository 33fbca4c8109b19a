"""Digits and signs of Chinese and Japanese as words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.engine.speech.g2p.chinese import chinese_words, signs_of_pinyin, transcribe_chinese
from avatarium.engine.speech.g2p.kana import signs_of_kana
from avatarium.engine.speech.text import chinese, japanese
from avatarium.engine.speech.text.prepare import Token, prepare
from avatarium.engine.speech.text.tracked import Tracked

DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2}
PLACES = {"十": 10, "百": 100, "千": 1000}
GROUPS = {"万": 10**4, "亿": 10**8}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2026年11月22日", "二零二六年十一月二十二日"),
        ("2026-01-05", "二零二六年一月五日"),
        ("下午2:05", "下午两点零五分"),
        ("14:00开会", "十四点开会"),
        ("¥2,000", "两千元"),
        ("花了$5.5", "花了五点五美元"),
        ("3亿美元", "三亿美元"),
        ("涨了3.5%", "涨了百分之三点五"),
        ("-5℃", "负五摄氏度"),
        ("2个人和12个人", "两个人和十二个人"),
        ("第2名", "第二名"),
        ("10002", "一万零二"),
        ("110", "一百一十"),
        ("13800138000", "一三八零零一三八零零零"),
        ("1/3", "三分之一"),
        ("3-5天", "三到五天"),
        ("180cm", "一百八十厘米"),
        ("二〇二六", "二零二六"),
        ("007", "零零七"),
    ],
)
def test_chinese(written: str, said: str) -> None:
    assert chinese.read(Tracked.of(written)).text == said


def valued(said: str) -> int:
    """The number that its Chinese name means, told by another way of reckoning than the one that made it."""
    total = group = digit = 0
    for c in said:
        if c in DIGITS:
            digit = DIGITS[c]
        elif c in PLACES:
            group, digit = group + (digit or 1) * PLACES[c], 0
        else:
            total, group, digit = total + (group + digit) * GROUPS[c], 0, 0
    return total + group + digit


@given(st.integers(0, 10**12 - 1))
def test_chinese_numbers_mean_what_was_written(value: int) -> None:
    assert valued(chinese.number(str(value))) == value


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("300匹", "サンビャッピキ"),
        ("1本と3本と6本", "イッポンとサンボンとロッポン"),
        ("4時30分", "ヨジサンジュップン"),
        ("14:08", "ジューヨジハップン"),
        ("1日に2回", "イチニチにニカイ"),
        ("4月1日", "シガツツイタチ"),
        ("20日", "ハツカ"),
        ("2026-09-24", "ニセンニジューロクネンクガツニジューヨッカ"),
        ("1人、2人、4人", "ヒトリ、フタリ、ヨニン"),
        ("8回", "ハッカイ"),
        ("10歳", "ジュッサイ"),
        ("14年", "ジューヨネン"),
        ("¥1,980", "センキューヒャクハチジューエン"),
        ("3.5%", "サンテンゴパーセント"),
        ("-5度", "マイナスゴド"),
        ("800円", "ハッピャクエン"),
        ("3600", "サンゼンロッピャク"),
        ("1兆円", "イッチョー円"),
        ("三百匹の猫", "サンビャッピキの猫"),
        ("十分です", "十分です"),
        ("一人で三日", "一人で三日"),
        ("03-1234-5678", "ゼロサン、イチニサンヨン、ゴロクナナハチ"),
    ],
)
def test_japanese(written: str, said: str) -> None:
    assert japanese.read(Tracked.of(written)).text == said


@pytest.mark.parametrize(
    ("kana", "signs"),
    [
        ("キョーワ", "kʲoːβa"),
        ("ガッコー", "ɡaʔkoː"),
        ("コンニチワ", "koɲɲiʨiβa"),
        ("シンブン", "ɕimbɯɴ"),
        ("ファイル", "ɸaiɾɯ"),
        ("しゃしん", "ɕaɕiɴ"),
        ("", ""),
        ("漢字A", ""),
    ],
)
def test_kana(kana: str, signs: str) -> None:
    assert signs_of_kana(kana) == signs


@pytest.mark.parametrize(
    ("syllable", "signs"),
    [
        ("ni3", "ni↓"),
        ("hao3", "xau↓"),
        ("zhong1", "ꭧʊ→ŋ"),
        ("xue2", "ɕɥe↗"),
        ("yuan2", "ɥɛ↗n"),
        ("yi1", "i→"),
        ("wo3", "wo↓"),
        ("shi4", "ʂɨ↘"),
        ("liu2", "ljou↗"),
        ("er4", "ɚ↘"),
        ("lv4", "ly↘"),
        ("de5", "tɤ"),
        ("", ""),
        ("abc", ""),
    ],
)
def test_pinyin(syllable: str, signs: str) -> None:
    assert signs_of_pinyin(syllable) == signs


def test_chinese_words_have_tokens_of_their_own() -> None:
    (sentence,) = prepare("今天天气很好，我们去2个公园。", "zh")
    assert "".join(token.written for token in sentence.tokens) == "今天天气很好，我们去2个公园。"
    assert len(sentence.tokens) >= 6
    assert any(token.written.startswith("2个") and token.spoken.startswith("两个") for token in sentence.tokens)


def test_every_chinese_character_of_a_word_belongs_to_it() -> None:
    told = transcribe_chinese([Token(written=word, spoken=word) for word in ("银行", "行长", "OK。")])
    owners = [owner for owner in told.owners if owner is not None]
    assert sorted(set(owners)) == [0, 1, 2] and owners == sorted(owners)
    assert "ꭧa↓ŋ" in told.signs  # 行长 is háng zhǎng, not cháng


def test_words_of_a_line_are_the_line() -> None:
    line = "我们 love 北京，2026!"
    assert "".join(chinese_words(line)) == line
