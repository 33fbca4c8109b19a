"""Which language a text is written in, told from its script and, where several share one, from its letters.

Letters are judged by langid's model (Lui and Baldwin 2012) as py3langid brings it. It is loaded when it is first
needed: about 0.4 s of CPU and 60 MB with numpy; most scripts do not need it. Any thread may call.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT = "en"
"""Of a text without a letter in it."""
_LONGEST = 4000
"""Characters that are looked at; more do not make it surer."""
_LEAST_KANA = 0.04
"""Share of kana in Japanese: a Chinese text that quotes a Japanese name has less."""
_CERTAIN = 0.99

_NOT_SPEECH = re.compile(r"<[^<>]*>|https?://\S+|www\.\S+|\S+@\S+\.\S+|[@#]\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A guess."""

    code: str
    """ISO 639-1, such as ``en``; ``nb`` for all Norwegian."""
    region: str
    """Two letters, the likeliest where people write it so, such as ``US``."""
    confidence: float
    """0 to 1; 0 where there is nothing to judge."""

    @property
    def tag(self) -> str:
        """BCP 47, such as ``en-US``."""
        return f"{self.code}-{self.region}"


# Where most readers of a language live, as far as locales of voices are named after them.
_REGIONS: Mapping[str, str] = {
    "af": "ZA", "am": "ET", "ar": "SA", "az": "AZ", "be": "BY", "bg": "BG", "bn": "BD", "ca": "ES", "cs": "CZ",
    "cy": "GB", "da": "DK", "de": "DE", "el": "GR", "en": "US", "es": "ES", "et": "EE", "eu": "ES", "fa": "IR",
    "fi": "FI", "fr": "FR", "ga": "IE", "gl": "ES", "gu": "IN", "he": "IL", "hi": "IN", "hr": "HR", "hu": "HU",
    "hy": "AM", "id": "ID", "is": "IS", "it": "IT", "ja": "JP", "ka": "GE", "kk": "KZ", "km": "KH", "kn": "IN",
    "ko": "KR", "lo": "LA", "lt": "LT", "lv": "LV", "mk": "MK", "ml": "IN", "mn": "MN", "mr": "IN", "ms": "MY",
    "mt": "MT", "my": "MM", "nb": "NO", "ne": "NP", "nl": "NL", "pa": "IN", "pl": "PL", "ps": "AF", "pt": "BR",
    "ro": "RO", "ru": "RU", "si": "LK", "sk": "SK", "sl": "SI", "sq": "AL", "sr": "RS", "sv": "SE", "sw": "KE",
    "ta": "IN", "te": "IN", "th": "TH", "tl": "PH", "tr": "TR", "uk": "UA", "ur": "PK", "vi": "VN", "zh": "CN",
}  # fmt: skip

_SCRIPTS: tuple[tuple[int, int, str], ...] = (
    (0x0041, 0x024F, "latin"), (0x0370, 0x03FF, "el"), (0x0400, 0x052F, "cyrillic"), (0x0531, 0x058F, "hy"),
    (0x0590, 0x05FF, "he"), (0x0600, 0x06FF, "arabic"), (0x0750, 0x077F, "arabic"), (0x0900, 0x097F, "devanagari"),
    (0x0980, 0x09FF, "bn"), (0x0A00, 0x0A7F, "pa"), (0x0A80, 0x0AFF, "gu"), (0x0B80, 0x0BFF, "ta"),
    (0x0C00, 0x0C7F, "te"), (0x0C80, 0x0CFF, "kn"), (0x0D00, 0x0D7F, "ml"), (0x0D80, 0x0DFF, "si"),
    (0x0E00, 0x0E7F, "th"), (0x0E80, 0x0EFF, "lo"), (0x1000, 0x109F, "my"), (0x10A0, 0x10FF, "ka"),
    (0x1100, 0x11FF, "ko"), (0x1200, 0x137F, "am"), (0x1780, 0x17FF, "km"), (0x1C90, 0x1CBF, "ka"),
    (0x1E00, 0x1EFF, "latin"), (0x1F00, 0x1FFF, "el"), (0x3040, 0x30FF, "kana"), (0x3130, 0x318F, "ko"),
    (0x31F0, 0x31FF, "kana"), (0x3400, 0x4DBF, "han"), (0x4E00, 0x9FFF, "han"), (0xAC00, 0xD7AF, "ko"),
    (0xF900, 0xFAFF, "han"), (0xFB1D, 0xFB4F, "he"), (0xFB50, 0xFDFF, "arabic"), (0xFE70, 0xFEFF, "arabic"),
    (0x20000, 0x323AF, "han"),
)  # fmt: skip
"""Blocks of Unicode and whose letters they hold: a language's, or a script's that several share."""
_WEIGHTS = {"han": 2.5, "kana": 2.0, "ko": 2.0}
"""How many letters of an alphabet a character stands for."""

_SHARED: Mapping[str, Mapping[str, float]] = {
    "latin": {
        "en": 4.0, **dict.fromkeys(("es", "fr", "de", "it", "pt"), 3.0),
        **dict.fromkeys(("nl", "pl", "tr", "vi", "id", "sv", "ro", "cs", "hu"), 2.0),
        **dict.fromkeys(("da", "fi", "nb", "hr", "sk", "ca", "tl", "ms", "sl", "lt", "lv", "et", "sw"), 1.0),
        **dict.fromkeys(("af", "az", "cy", "eu", "ga", "gl", "is", "mt", "sq"), 0.0),
    },
    "cyrillic": {"ru": 5.0, "uk": 2.0, "bg": 1.5, "sr": 1.0, "kk": 0.5, "be": 0.0, "mk": 0.0, "mn": 0.0},
    "arabic": {"ar": 2.0, "fa": 1.0, "ur": 1.0, "ps": 0.0},
    "devanagari": {"hi": 4.0, "mr": 1.0, "ne": 1.0},
}  # fmt: skip
"""Languages of a script, each with how common it is against the others, in nats: short texts need it."""
_FOLDED = {"no": "nb", "nn": "nb", "bs": "hr"}
"""Languages of the model that count as another; Serbian in Latin letters as Croatian."""

_TRUST = {"cyrillic": 0.5}
"""How much of what the model says counts: of a dozen words of Russian it is sure that they are Bulgarian."""

_GIVEAWAYS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "latin": (("ß", "de"), ("ñ¿¡", "es"), ("ơưạảấầẩậắằặẹẻẽếềểễệỉịọỏốồổộớờởợụủứừửựỳỵỷỹđ", "vi"), ("ąęłżź", "pl"),
              ("ěřů", "cs"), ("ľĺŕ", "sk"), ("őű", "hu"), ("ğı", "tr"), ("ãõ", "pt"), ("țș", "ro"), ("þð", "is"),
              ("ģķļņ", "lv"), ("ėųį", "lt")),
    "cyrillic": (("їєґ", "uk"), ("ў", "be"), ("ѓќѕ", "mk"), ("ђћ", "sr"), ("әғқңұһ", "kk"), ("ыэё", "ru")),
    "arabic": (("ٹڈڑےں", "ur"), ("ټډړږښګڼ", "ps"), ("پچژگ", "fa")),
    "devanagari": (("ळ", "mr"),),
}  # fmt: skip
"""Letters that few others have; each that occurs speaks for its language."""
_LACKING: Mapping[str, str] = {
    "ru": "іїєґўјљњћђџѓќѕ", "uk": "ыэёъўјљњћђџѓќѕ", "bg": "ыэёіїєґўјљњћђџѓќѕ", "be": "ищъїєґјљњћђџѓќѕ",
    **dict.fromkeys(("sr", "mk"), "йяющьъыэёіїєґў"),
}  # fmt: skip
"""Letters that a language does not have; each that occurs speaks against it."""
_GIVEAWAY = 2.5
_COMMON_WORD = 3.5
_ALL_COMMON = 5.0
"""Where all words are common ones of a language; of "merhaba" the letters know nothing."""
_MOST_HINTS = 4
"""A hint each, in nats, up to so many: a foreign name in a text must not decide."""


def guess_language(text: str) -> Language:
    """The language that most of a text is written in; of mark-up, addresses and digits nothing is taken.

    Only languages that are well known are told: rare ones come out as their neighbour.
    """
    plain = _NOT_SPEECH.sub(" ", unicodedata.normalize("NFC", text[: 2 * _LONGEST]))[:_LONGEST]
    plain = plain.lower() if plain.isupper() else plain
    letters = _letters(plain)
    if not letters:
        return Language(code=DEFAULT, region=_REGIONS[DEFAULT], confidence=0.0)
    east = letters["han"] + letters["kana"]
    japanese = letters.pop("kana", 0) > _LEAST_KANA * east
    letters["han"] = east
    (script, count), all_letters = letters.most_common(1)[0], sum(letters.values())
    if script == "han":
        code, sure = ("ja" if japanese else "zh"), _CERTAIN
    else:
        code, sure = _among(script, plain) if script in _SHARED else (script, _CERTAIN)
    return Language(code=code, region=_region(code, plain), confidence=round(sure * count / all_letters, 3))


def _letters(text: str) -> Counter[str]:
    """How much of each script there is, in letters of an alphabet."""
    counted: Counter[str] = Counter()
    for character, times in Counter(text).items():
        if unicodedata.category(character)[0] in "LM" and (script := _script(ord(character))):
            counted[script] += times
    return Counter({script: round(n * _WEIGHTS.get(script, 1.0)) for script, n in counted.items()})


def _script(point: int) -> str | None:
    return next((name for first, last, name in _SCRIPTS if first <= point <= last), None)


def _among(script: str, text: str) -> tuple[str, float]:
    """The likeliest of the languages that share a script, and how likely it is among them."""
    priors, trust = _SHARED[script], _TRUST.get(script, 1.0)
    scores = dict.fromkeys(priors, -math.inf)
    for told, score in _model_scores(text):
        code = "hr" if (told, script) == ("sr", "latin") else _FOLDED.get(told, told)
        if code in scores:
            scores[code] = max(scores[code], trust * score + priors[code])
    for code, hint in _hints(script, text):
        scores[code] += hint
    best = max(scores, key=lambda code: scores[code])
    return best, 1 / sum(math.exp(max(score - scores[best], -700.0)) for score in scores.values())


def _hints(script: str, text: str) -> Iterable[tuple[str, float]]:
    lower = text.lower()
    for letters, code in _GIVEAWAYS.get(script, ()):
        times = sum(lower.count(letter) for letter in letters)
        yield code, _GIVEAWAY * min(times, _MOST_HINTS)
    for code, letters in _LACKING.items():
        if code in _SHARED[script]:
            yield code, -_GIVEAWAY * min(sum(lower.count(letter) for letter in letters), _MOST_HINTS)
    words = _split(lower)
    for code, common in _WORDS.items():
        if code in _SHARED[script]:
            known = words & common
            yield code, _COMMON_WORD * min(len(known), _MOST_HINTS) + _ALL_COMMON * len(known) / max(len(words), 1)


def _model_scores(text: str) -> list[tuple[str, float]]:
    """Every language of the model with its log likelihood, not normalised."""
    ranked: list[tuple[str, float]] = _identifier().rank(text)
    return [(code, float(score)) for code, score in ranked]


@functools.cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=False)


def _split(text: str) -> set[str]:
    r"""Words; ``\w`` would cut those of India at their vowels."""
    return set(re.split(r"[^\w\u0300-\u036f\u0900-\u0dff'-]+", text)) - {""}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORDS: Mapping[str, frozenset[str]] = {
    "en": _words("the and is are you hello hi thanks please yes what this that with good my your of welcome morning"),
    "es": _words("el los las es y hola gracias bienvenidos por favor buenos días qué cómo está una muy bien sí estás"),
    "fr": _words("le les des est et bonjour merci vous nous je une oui pour salut très bien ça au revoir bienvenue"),
    "de": _words("der die das und ist ich nicht hallo danke bitte guten tag eine wie ja auf sehr willkommen"),
    "it": _words("il che è ciao grazie buongiorno sono una per non come sì questo della prego bene gli benvenuti"),
    "pt": _words("os as é olá obrigado obrigada você não uma com bom dia para muito sim isso tudo bem"),
    "nl": _words("het een en van ik je hallo niet goedemorgen welkom onze ons wij is dat voor dank wel wil we kan"),
    "af": _words("die en is nie ek jy my het van vir wat sy hy ons hulle baie dankie goeie môre 'n vandag ook"),
    "pl": _words("jest się nie dzień dobry cześć dziękuję proszę i w na to tak jak witaj"),
    "tr": _words("bir ve bu merhaba teşekkürler teşekkür ederim nasılsın için çok evet hayır günaydın"),
    "sv": _words("och är det jag hej tack inte en ett på som god morgon du vi"),
    "da": _words("og er det jeg hej tak ikke en et på som godmorgen af hvad"),
    "nb": _words("og er det jeg hei takk ikke en et på som god morgen hva"),
    "fi": _words("ja on hei kiitos minä ei se hyvää huomenta moi olen mitä"),
    "cs": _words("je se dobrý den ahoj děkuji prosím a na to jak co jsem"),
    "sk": _words("je sa dobrý deň ahoj ďakujem prosím a na to ako čo som"),
    "hu": _words("a az és szia köszönöm nem jó reggelt napot vagyok hogy van egy"),
    "ro": _words("și este bună salut mulțumesc nu un o ce cu pe ziua sunt"),
    "id": _words("dan yang di ini itu halo terima kasih selamat pagi saya anda apa tidak bisa karena kamu stasiun"),
    "ms": _words("dan yang di ini itu hai terima kasih selamat pagi saya awak apa tidak boleh kerana stesen ialah"),
    "vi": _words("xin chào cảm ơn tôi là và của không bạn có"),
    "hr": _words("je i dobar dan hvala bok zdravo nije na da sam što"),
    "sl": _words("je in dober dan hvala živjo ni na da sem kaj"),
    "tl": _words("ang ng mga sa kumusta salamat po ako ikaw hindi magandang umaga"),
    "sw": _words("habari asante jambo na ya wa ni kwa karibu"),
    "et": _words("ja on tere aitäh ei see ma täna hommikust kuidas olen"),
    "lt": _words("ir labas ačiū ne tai aš yra diena kaip"),
    "lv": _words("un labdien paldies nē tas es ir kā sveiki"),
    "ca": _words("els i és hola gràcies bon dia amb molt una avui"),
    "hi": _words("है और में नहीं यह नमस्ते धन्यवाद हूँ हैं का की के"),
    "mr": _words("आहे आणि नमस्कार नाही हे मी धन्यवाद आहेत"),
    "ne": _words("छ र नमस्ते धन्यवाद हो छन् म"),
    "ar": _words("في من على مرحبا شكرا هذا لا نعم و السلام عليكم"),
    "fa": _words("و در به از که است سلام ممنون این خوب"),
    "ur": _words("ہے اور میں نہیں یہ سلام شکریہ کے کی کا ہیں"),
    "ru": _words(
        "и в не на что это привет спасибо здравствуйте да нет как с у к из по от для но он она они мы вы мой моя мне "
        "меня вас вам его её был была было есть где когда очень сегодня будет завтра"
    ),
    "uk": _words(
        "і в не на що це привіт дякую добрий день так ні як та й з із у до від для але він вона вони ми ви мій моя "
        "мені мене вас вам його її був була було є де коли дуже сьогодні буде завтра"
    ),
    "bg": _words(
        "и в не на че това здравей благодаря добър ден да как е съм са ще се от с по за си му ми тя той ние вие беше "
        "какво къде кога много днес утре във със"
    ),
    "sr": _words("и у није на да то здраво хвала добар дан је како са се од за он она они ми ви сам смо где"),
    "mk": _words("и во не на дека тоа здраво благодарам добар ден да како е од за со се ми тој таа тие сум ќе каде"),
}  # fmt: skip
"""Short words that people begin and fill sentences with: letters of a word or two say little."""

_BRITISH = _words("colour colours favourite centre theatre organise realise whilst neighbour behaviour honour grey")
_EUROPEAN_PORTUGUESE = _words("autocarro telemóvel comboio pequeno-almoço telemóveis casa-de-banho tu contigo fixe")
_MEXICAN = _words("ustedes platicar carro celular computadora ahorita órale")
_TRADITIONAL = frozenset("這個們來時說會對國學還沒嗎為與從過間點問開關見話語請謝臺灣體發樣電車")


def _region(code: str, text: str) -> str:
    words = _split(text.lower())
    if code == "zh" and _TRADITIONAL & set(text):
        return "TW"
    regional = {"en": (_BRITISH, "GB"), "pt": (_EUROPEAN_PORTUGUESE, "PT"), "es": (_MEXICAN, "MX")}
    clues, region = regional.get(code, (frozenset[str](), ""))
    return region if words & clues else _REGIONS[code]
