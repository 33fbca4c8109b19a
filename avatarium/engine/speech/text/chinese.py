"""What Chinese writes in digits and signs, in characters: years, dates, times, money, shares, measures, numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

from avatarium.engine.speech.text.tracked import Tracked

DIGITS = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿", "兆")
_LONGEST_NAMED = 12
"""Digits; longer numbers are read one by one."""
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_COUNTED = (
    "个位只条本张天次名家种件杯块元台辆座间倍句岁周篇首部头匹朵颗粒双套层间笔份支枚艘架页遍趟顿场"
    "小时分钟公里米斤公斤点两万千百亿年"
)
"""Before these a lone two is 两."""
_MONEY = {"¥": "元", "￥": "元", "元": "元", "$": "美元", "US$": "美元", "€": "欧元", "£": "英镑", "₩": "韩元"} | {
    **{"HK$": "港元", "RMB": "元", "CNY": "元", "USD": "美元", "EUR": "欧元", "JPY": "日元", "₹": "卢比"}
}
_UNITS = {
    **{"km/h": "公里每小时", "m/s": "米每秒", "km²": "平方公里", "m²": "平方米", "㎡": "平方米", "km": "公里"},
    **{"cm": "厘米", "mm": "毫米", "kg": "公斤", "mg": "毫克", "ml": "毫升", "mL": "毫升", "℃": "摄氏度"},
    **{"°C": "摄氏度", "°F": "华氏度", "°": "度", "m": "米", "g": "克", "L": "升", "l": "升", "GB": "吉字节"},
    **{"MB": "兆字节", "kWh": "千瓦时", "kW": "千瓦", "W": "瓦", "h": "小时", "min": "分钟"},
}
_MONEY_SIGNS = "|".join(re.escape(sign) for sign in sorted(_MONEY, key=len, reverse=True))
_UNIT_SIGNS = "|".join(re.escape(sign) for sign in sorted(_UNITS, key=len, reverse=True))
_EDGE = r"(?<![\dA-Za-z.])"
_END = r"(?![\dA-Za-z])"

Read = Callable[[re.Match[str]], str | None]


def read(text: Tracked) -> Tracked:
    """A text whose digits and signs are words."""
    for pattern, words in _RULES:
        text = text.sub(pattern, words)
    return text


def number(written: str) -> str:
    """A number in characters, ``3,000.5`` as 三千点五."""
    whole, _, fraction = written.replace(",", "").partition(".")
    as_code = len(whole) > _LONGEST_NAMED or (len(whole) > 1 and whole[0] == "0")
    said = digits(whole) if as_code else _named(int(whole))
    return f"{said}点{digits(fraction)}" if fraction else said


def digits(written: str) -> str:
    """Digits one by one."""
    return "".join(DIGITS[int(d)] if d.isdigit() else d for d in written)


def _named(value: int) -> str:
    if value == 0:
        return DIGITS[0]
    groups: list[str] = []
    gap = False
    for i, group in reversed(list(enumerate(_in_fours(value)))):
        if group == 0:
            gap = True
            continue
        joint = DIGITS[0] if groups and (gap or group < 1000) else ""
        words = "两" if group == 2 and i else _below_ten_thousand(group)
        groups.append(joint + words + _GROUPS[i])
        gap = False
    return "".join(groups)


def _in_fours(value: int) -> list[int]:
    parts = []
    while value:
        value, rest = divmod(value, 10_000)
        parts.append(rest)
    return parts


def _below_ten_thousand(value: int) -> str:
    said = ""
    for place in (3, 2, 1, 0):
        digit = value // 10**place % 10
        if digit:
            said += ("两" if digit == 2 and place == 3 else DIGITS[digit]) + _PLACES[place]
        elif said and said[-1] != DIGITS[0]:
            said += DIGITS[0]
    said = said.rstrip(DIGITS[0])
    return said[1:] if said.startswith("一十") else said


def _date(m: re.Match[str]) -> str | None:
    year, month, day = m[1], int(m[2]), int(m[3])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{digits(year)}年{number(str(month))}月{number(str(day))}日"


def _time(m: re.Match[str]) -> str:
    hour, minute = int(m[1]), int(m[2])
    said = ("两" if hour == 2 else number(str(hour))) + "点"
    if not minute:
        return said
    return said + (DIGITS[0] if minute < 10 else "") + number(str(minute)) + "分"


def _money(m: re.Match[str]) -> str:
    amount, sign, scale = m["n1"] or m["n2"], m["s1"] or m["s2"], m["k1"] or m["k2"] or ""
    return _two(number(amount), scale or _MONEY[sign]) + scale + _MONEY[sign]


def _two(said: str, noun: str) -> str:
    return "两" if said == "二" and noun[0] in _COUNTED else said


_RULES: tuple[tuple[re.Pattern[str], Read], ...] = (
    (re.compile("〇"), lambda m: DIGITS[0]),
    (re.compile(rf"{_EDGE}(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_END}"), _date),
    (re.compile(rf"{_EDGE}(\d{{4}}|\d{{2}})(?=年(?![前后内来]))"), lambda m: digits(m[1])),
    (re.compile(rf"{_EDGE}([01]?\d|2[0-4])[:：]([0-5]\d)(?:[:：][0-5]\d)?{_END}"), _time),
    (re.compile(rf"{_EDGE}(?P<s1>{_MONEY_SIGNS})\s?(?P<n1>{_NUMBER})(?P<k1>[万亿千百])?"
                rf"|{_EDGE}(?P<n2>{_NUMBER})(?P<k2>[万亿千百])?\s?(?P<s2>{_MONEY_SIGNS}){_END}"), _money),
    (re.compile(rf"{_EDGE}(-?)({_NUMBER})\s?[%％]"), lambda m: ("负" if m[1] else "") + f"百分之{number(m[2])}"),
    (re.compile(rf"{_EDGE}({_NUMBER})‰"), lambda m: f"千分之{number(m[1])}"),
    (re.compile(rf"{_EDGE}(\d{{1,3}})/(\d{{1,3}})(?![\d/])"), lambda m: f"{number(m[2])}分之{number(m[1])}"),
    (re.compile(r"(?<=\d)\s?[~～〜–-]\s?(?=\d)(?!\d{3,4}-)(?<!\d{3}-)(?!\d{4,})"), lambda m: "到"),
    (re.compile(r"(?<![\dA-Za-z])(?:\+?\d{1,3}[ -])?\d{3,4}[ -]\d{3,4}(?:[ -]\d{3,4})?(?!\d)|(?<![\d.])1\d{10}(?!\d)"),
     lambda m: digits(re.sub(r"[ -]", "，", m[0]).replace("+", "加"))),
    (re.compile(rf"{_EDGE}(-?)({_NUMBER})\s?({_UNIT_SIGNS}){_END}"),
     lambda m: ("负" if m[1] else "") + _two(number(m[2]), _UNITS[m[3]]) + _UNITS[m[3]]),
    (re.compile(r"(?<![\d\w])[-−](?=\d)"), lambda m: "负"),
    (re.compile(rf"第({_NUMBER})"), lambda m: f"第{number(m[1])}"),
    (re.compile(rf"({_NUMBER})(?=\s?([^\W\d_])?)"), lambda m: _two(number(m[1]), m[2] or " ")),
)  # fmt: skip
"""In order; what each leaves is the next one's."""
