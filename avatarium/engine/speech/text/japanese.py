"""What Japanese writes in digits and signs, in kana as it is pronounced: numbers change with what they count.

Three is ``san``, a hundred ``hyaku``, three hundred ``sambyaku``; one long thing ``ippon``, the first of a month
``tsuitachi``. The result is katakana with long vowels marked (ジュー, not ジュウ), which the front end takes as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from avatarium.engine.speech.text.tracked import Tracked

_UNITS = ("", "イチ", "ニ", "サン", "ヨン", "ゴ", "ロク", "ナナ", "ハチ", "キュー")
_TENS = (
    "",
    "ジュー",
    "ニジュー",
    "サンジュー",
    "ヨンジュー",
    "ゴジュー",
    "ロクジュー",
    "ナナジュー",
    "ハチジュー",
    "キュージュー",
)
_HUNDREDS = (
    *("", "ヒャク", "ニヒャク", "サンビャク", "ヨンヒャク", "ゴヒャク", "ロッピャク", "ナナヒャク", "ハッピャク"),
    "キューヒャク",
)
_THOUSANDS = (
    *("", "セン", "ニセン", "サンゼン", "ヨンセン", "ゴセン", "ロクセン", "ナナセン", "ハッセン"),
    "キューセン",
)
_GROUPS = ("", "マン", "オク", "チョー")
_ZERO, _POINT, _MINUS = "ゼロ", "テン", "マイナス"
_LONGEST_NAMED = 16

_DAYS = {
    **{1: "ツイタチ", 2: "フツカ", 3: "ミッカ", 4: "ヨッカ", 5: "イツカ", 6: "ムイカ", 7: "ナノカ", 8: "ヨーカ"},
    **{9: "ココノカ", 10: "トーカ", 14: "ジューヨッカ", 20: "ハツカ", 24: "ニジューヨッカ"},
}
_MONTHS = {4: "シ", 7: "シチ", 9: "ク"}
_HOURS = {4: "ヨ", 7: "シチ", 9: "ク", 14: "ジューヨ", 17: "ジューシチ", 19: "ジューク", 24: "ニジューヨ"}
_PEOPLE = {1: "ヒトリ", 2: "フタリ"}

_HARD = {"本": "ホン", "匹": "ヒキ", "杯": "ハイ", "百": "ヒャク"}
"""Counters in h: b after three, p after one, six, eight and ten."""
_MINUTES = {"分": "フン", "泊": "ハク", "発": "ハツ", "編": "ヘン"}
"""Counters in h: p after one, three, six, eight and ten."""
_DOUBLED = {
    **{"個": "コ", "回": "カイ", "階": "カイ", "歳": "サイ", "才": "サイ", "冊": "サツ", "頭": "トー", "着": "チャク"},
    **{"週間": "シューカン", "週": "シュー", "週目": "シューメ", "ヶ月": "カゲツ", "か月": "カゲツ", "カ月": "カゲツ"},
    **{
        "ヵ月": "カゲツ",
        "ヶ所": "カショ",
        "か所": "カショ",
        "か国": "カコク",
        "ヶ国": "カコク",
        "点": "テン",
        "足": "ソク",
    },
    **{"世紀": "セイキ", "曲": "キョク", "件": "ケン", "軒": "ケン", "通": "ツー", "章": "ショー", "種類": "シュルイ"},
    **{"キロメートル": "キロメートル", "キログラム": "キログラム", "キロ": "キロ", "センチ": "センチ", "トン": "トン"},
    **{"課": "カ", "校": "コー", "社": "シャ", "席": "セキ", "兆": "チョー"},
}
"""Counters in k, s, t and ch, which one, eight and ten run into; k after six too."""
_PLAIN = {
    **{
        "枚": "マイ",
        "台": "ダイ",
        "番": "バン",
        "番目": "バンメ",
        "度": "ド",
        "倍": "バイ",
        "名": "メー",
        "秒": "ビョー",
    },
    **{"号": "ゴー", "羽": "ワ", "畳": "ジョー", "円": "エン", "年": "ネン", "年間": "ネンカン", "時間": "ジカン"},
    **{"ドル": "ドル", "ユーロ": "ユーロ", "ポンド": "ポンド", "人前": "ニンマエ", "位": "イ", "割": "ワリ"},
    **{"万": "マン", "億": "オク", "メートル": "メートル", "グラム": "グラム", "ページ": "ページ", "行": "ギョー"},
}
_MONEY = {"¥": "円", "￥": "円", "$": "ドル", "US$": "ドル", "€": "ユーロ", "£": "ポンド", "JPY": "円", "USD": "ドル"}
_SIGNS = {
    **{
        "km/h": "キロメートル毎時",
        "km": "キロメートル",
        "cm": "センチ",
        "mm": "ミリ",
        "kg": "キログラム",
        "mg": "ミリグラム",
    },
    **{
        "ml": "ミリリットル",
        "mL": "ミリリットル",
        "℃": "度",
        "°C": "度",
        "°": "度",
        "m²": "平方メートル",
        "㎡": "平方メートル",
    },
    **{"m": "メートル", "g": "グラム", "L": "リットル", "l": "リットル", "GB": "ギガバイト", "MB": "メガバイト"},
    **{"%": "パーセント", "％": "パーセント", "kW": "キロワット", "W": "ワット"},
}
_KANJI_DIGITS = {c: i for i, c in enumerate("〇一二三四五六七八九")}
_KANJI_PLACES = {"十": 10, "百": 100, "千": 1000}
_KANJI_GROUPS = {"万": 10**4, "億": 10**8, "兆": 10**12}

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_EDGE = r"(?<![\dA-Za-z.])"
_END = r"(?![\dA-Za-z])"
_COUNTERS = "|".join(
    sorted((*_HARD, *_MINUTES, *_DOUBLED, *_PLAIN, "日間", "日", "月", "時", "人"), key=len, reverse=True)
)
_KANJI = "".join((*_KANJI_DIGITS, *_KANJI_PLACES, *_KANJI_GROUPS)).replace("〇", "")
_AMBIGUOUS = frozenset({"日", "月", "日間", "万", "億", "兆", "百"})
_COUNTERS_OF_KANJI = "|".join(
    ["日間", "日(?![月本曜])", "月(?=[一二三十])", *(c for c in _COUNTERS.split("|") if c not in _AMBIGUOUS)]
)
"""What follows 三日 and 正月 may be a word of its own."""
_MONEY_SIGNS = "|".join(re.escape(sign) for sign in sorted(_MONEY, key=len, reverse=True))
_UNIT_SIGNS = "|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True))

Read = Callable[[re.Match[str]], str | None]


def read(text: Tracked) -> Tracked:
    """A text whose digits and signs are kana and words."""
    for pattern, words in _RULES:
        text = text.sub(pattern, words)
    return text


def number(written: str) -> str:
    """A number in katakana, ``3,300.5`` as サンゼンサンビャクテンゴ."""
    whole, _, fraction = written.replace(",", "").partition(".")
    as_code = len(whole) > _LONGEST_NAMED or (len(whole) > 1 and whole[0] == "0")
    said = _digits(whole) if as_code else _named(int(whole))
    if not fraction:
        return said
    return f"{_before_point(said)}{_POINT}{_digits(fraction)}"


def counted(value: int, counter: str) -> str:
    """A number with what it counts, both changed by each other: three hundred small animals, サンビャッピキ."""
    special = {"日": _DAYS, "人": _PEOPLE}.get(counter, {})
    if value in special:
        return special[value]
    if counter in ("日", "日間"):
        return (_DAYS[value] if 1 < value < 11 else number(str(value)) + "ニチ") + ("カン" if counter == "日間" else "")
    if counter in ("月", "時"):
        stem = (_MONTHS if counter == "月" else _HOURS).get(value, number(str(value)))
        return stem + ("ガツ" if counter == "月" else "ジ")
    said = number(str(value))
    if counter in ("人", "円", "年", "年間", "人前", "時間") and value % 10 == 4:
        said = said.removesuffix("ヨン") + "ヨ"
    if counter == "人":
        return said + "ニン"
    return _joined(said, counter)


def _joined(said: str, counter: str) -> str:
    if counter in _PLAIN:
        return said + _PLAIN[counter]
    sound = _HARD.get(counter) or _MINUTES.get(counter) or _DOUBLED[counter]
    doubled = _doubled(said, sound)
    if sound[0] in "ハヒフヘホ":
        if doubled != said:
            return doubled + _changed(sound, "パピプペポ")
        if said.endswith(("サン", "セン", "マン")):
            return said + _changed(sound, "バビブベボ" if counter in _HARD else "パピプペポ")
        return said + (_changed(sound, "パピプペポ") if counter == "分" and said.endswith("ヨン") else sound)
    return doubled + sound


def _doubled(said: str, sound: str) -> str:
    """The number as it runs into the counter: イチ to イッ."""
    if said.endswith("イチ") or said.endswith("ハチ"):
        return said[:-1] + "ッ"
    if said.endswith("ジュー"):
        return said[:-1] + "ッ"
    if sound[0] in "カキクケコハヒフヘホ" and said.endswith(("ロク", "ヒャク", "ビャク", "ピャク")):
        return said[:-1] + "ッ"
    return said


def _changed(sound: str, row: str) -> str:
    return row["ハヒフヘホ".index(sound[0])] + sound[1:]


def _named(value: int) -> str:
    if value == 0:
        return _ZERO
    said = ""
    for i in (3, 2, 1, 0):
        group = value // 10 ** (4 * i) % 10**4
        if group:
            words = _below_ten_thousand(group)
            said += (words[:-1] + "ッ" if i == 3 and words.endswith(("イチ", "ハチ")) else words) + _GROUPS[i]
    return said


def _below_ten_thousand(value: int) -> str:
    parts = (_THOUSANDS, _HUNDREDS, _TENS, _UNITS)
    return "".join(part[value // 10 ** (3 - i) % 10] for i, part in enumerate(parts))


def _digits(written: str) -> str:
    return "".join(_ZERO if d == "0" else _UNITS[int(d)] if d.isdigit() else d for d in written)


def _before_point(said: str) -> str:
    if said.endswith(("イチ", "ハチ", "ジュー")):
        return said[:-1] + "ッ"
    return said


def _value(kanji: str) -> int:
    """What a number in kanji is: 三百二十一 is 321."""
    total = group = digit = 0
    for c in kanji:
        if c in _KANJI_DIGITS:
            digit = digit * 10 + _KANJI_DIGITS[c]
        elif c in _KANJI_PLACES:
            group += (digit or 1) * _KANJI_PLACES[c]
            digit = 0
        else:
            total += (group + digit or 1) * _KANJI_GROUPS[c]
            group = digit = 0
    return total + group + digit


def _date(m: re.Match[str]) -> str | None:
    month, day = int(m[2]), int(m[3])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return counted(int(m[1]), "年") + counted(month, "月") + counted(day, "日")


def _time(m: re.Match[str]) -> str:
    hour, minute = int(m[1]), int(m[2])
    return counted(hour, "時") + (counted(minute, "分") if minute else "")


def _money(m: re.Match[str]) -> str:
    amount, scale, name = m[2], m[3] or "", _MONEY[m[1]]
    if scale or "." in amount:
        return number(amount) + {"万": "マン", "億": "オク", "": ""}[scale] + _PLAIN[name]
    return counted(int(amount.replace(",", "")), name)


def _counted(m: re.Match[str]) -> str:
    if m[1] == "1" and m[2] == "日" and m.string[m.start() - 1 : m.start()] != "月":
        return "イチニチ"  # a day long; the first of a month stands behind its name
    if "." in m[1]:
        counter = m[2]
        sound = {**_HARD, **_MINUTES, **_DOUBLED, **_PLAIN, "日": "ニチ", "月": "ツキ", "時": "ジ", "人": "ニン"}
        return number(m[1]) + sound.get(counter, counter)
    return counted(int(m[1].replace(",", "")), m[2])


def _counted_kanji(m: re.Match[str]) -> str | None:
    if len(m[1]) == 1 and m[2] not in ("匹", "本", "杯"):
        return None  # words of the dictionary: 一人, 三日, 百円
    return counted(_value(m[1]), m[2])


def _unit(m: re.Match[str]) -> str:
    name = _SIGNS[m[2]]
    return _joined(number(m[1]), name) if name in _DOUBLED | _PLAIN and "." not in m[1] else number(m[1]) + name


_RULES: tuple[tuple[re.Pattern[str], Read], ...] = (
    (re.compile(rf"{_EDGE}(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_END}"), _date),
    (re.compile(rf"{_EDGE}([01]?\d|2[0-4])[:：]([0-5]\d)(?:[:：][0-5]\d)?{_END}"), _time),
    (re.compile(rf"({_MONEY_SIGNS})\s?({_NUMBER})([万億])?"), _money),
    (re.compile(r"(?<![\dA-Za-z])\+?\d{2,4}(?:-\d{3,4}){1,2}(?!\d)|(?<![\d.])0\d{9,10}(?!\d)"),
     lambda m: "、".join(_digits(part) for part in re.findall(r"\d+", m[0]))),
    (re.compile(r"(?<=\d)\s?[~～〜–-]\s?(?=\d)"), lambda m: "から"),
    (re.compile(r"(?<![\d\w])[-−](?=\d)"), lambda m: _MINUS),
    (re.compile(rf"{_EDGE}({_NUMBER})({_COUNTERS})"), _counted),
    (re.compile(rf"{_EDGE}({_NUMBER})\s?({_UNIT_SIGNS})(?![A-Za-z])"), _unit),
    (re.compile(rf"(?<![{_KANJI}])([{_KANJI}]+)({_COUNTERS_OF_KANJI})"),
     _counted_kanji),
    (re.compile(rf"({_NUMBER})"), lambda m: number(m[1])),
)  # fmt: skip
"""In order; what each leaves is the next one's."""
