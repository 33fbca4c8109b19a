"""Languages are told from greetings as from sentences, in every script that voices exist for."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarium.engine.speech.language import Language, guess_language

SAID = [
    ("en", "Hello"),
    ("en", "Hello world"),
    ("en", "Thanks!"),
    ("en", "The weather is lovely today and I am going for a walk."),
    ("en", "Our new product saves you time."),
    ("en", "Welcome to the future of video"),
    ("en", "Good morning everyone"),
    ("es", "Hola"),
    ("es", "Gracias"),
    ("es", "Buenos días"),
    ("es", "Bienvenidos a nuestra tienda en línea."),
    ("es", "¿Cómo estás?"),
    ("es", "El tiempo está muy bueno hoy y voy a dar un paseo."),
    ("fr", "Bonjour"),
    ("fr", "Merci"),
    ("fr", "Salut les amis"),
    ("fr", "Bienvenue dans notre boutique."),
    ("fr", "Il fait très beau aujourd'hui et je vais me promener."),
    ("de", "Hallo"),
    ("de", "Danke"),
    ("de", "Guten Tag"),
    ("de", "Willkommen in unserem Laden."),
    ("de", "Das Wetter ist heute sehr schön und ich gehe spazieren."),
    ("it", "Ciao"),
    ("it", "Grazie"),
    ("it", "Buongiorno"),
    ("it", "Benvenuti nel nostro negozio."),
    ("it", "Oggi il tempo è bellissimo e vado a fare una passeggiata."),
    ("pt", "Olá"),
    ("pt", "Obrigado"),
    ("pt", "Bom dia"),
    ("pt", "Bem-vindo à nossa loja."),
    ("pt", "O tempo está ótimo hoje e vou dar um passeio."),
    ("nl", "Goedemorgen"),
    ("nl", "Dank je wel"),
    ("nl", "Welkom in onze winkel."),
    ("nl", "Het weer is vandaag erg mooi en ik ga wandelen."),
    ("pl", "Dzień dobry"),
    ("pl", "Cześć"),
    ("pl", "Witamy w naszym sklepie."),
    ("pl", "Pogoda jest dziś piękna i idę na spacer."),
    ("cs", "Dobrý den"),
    ("cs", "Ahoj, jak se máš?"),
    ("cs", "Počasí je dnes krásné a jdu na procházku."),
    ("sk", "Ďakujem"),
    ("sk", "Počasie je dnes krásne a idem na prechádzku."),
    ("sv", "Hej, hur mår du?"),
    ("sv", "Vädret är fint idag och jag går på promenad."),
    ("sv", "Tack så mycket"),
    ("da", "Tak skal du have"),
    ("da", "Vejret er dejligt i dag, og jeg går en tur."),
    ("nb", "Takk skal du ha"),
    ("nb", "Været er fint i dag, og jeg går en tur."),
    ("fi", "Hyvää huomenta"),
    ("fi", "Sää on tänään kaunis ja lähden kävelylle."),
    ("fi", "Kiitos"),
    ("hu", "Köszönöm"),
    ("hu", "Jó reggelt"),
    ("hu", "Az idő ma gyönyörű, és elmegyek sétálni."),
    ("ro", "Mulțumesc"),
    ("ro", "Bună ziua"),
    ("ro", "Vremea este frumoasă astăzi și mă duc la plimbare."),
    ("tr", "Merhaba"),
    ("tr", "Teşekkür ederim"),
    ("tr", "Bugün hava çok güzel ve yürüyüşe çıkıyorum."),
    ("vi", "Xin chào"),
    ("vi", "Hôm nay thời tiết rất đẹp và tôi đi dạo."),
    ("id", "Selamat pagi"),
    ("id", "Terima kasih"),
    ("id", "Cuaca hari ini sangat indah dan saya pergi berjalan-jalan."),
    ("hr", "Vrijeme je danas lijepo i idem u šetnju."),
    ("sl", "Danes je vreme lepo in grem na sprehod."),
    ("lt", "Šiandien oras gražus ir aš einu pasivaikščioti."),
    ("lv", "Šodien laiks ir jauks, un es eju pastaigāties."),
    ("et", "Tere hommikust, kuidas teil läheb? Täna räägime meie uuest raamatust."),
    ("ca", "Avui fa molt bon temps i vaig a fer un passeig."),
    ("tl", "Magandang umaga po sa inyong lahat."),
    ("sw", "Hali ya hewa ni nzuri leo na ninaenda kutembea."),
    ("ru", "Привет"),
    ("ru", "Спасибо"),
    ("ru", "Сегодня прекрасная погода, и я иду гулять."),
    ("uk", "Привіт"),
    ("uk", "Дякую"),
    ("uk", "Сьогодні чудова погода, і я йду гуляти."),
    ("bg", "Здравей"),
    ("bg", "Днес времето е прекрасно и отивам на разходка."),
    ("sr", "Данас је време лепо и идем у шетњу."),
    ("be", "Сёння цудоўнае надвор'е, і я іду гуляць."),
    ("kk", "Бүгін ауа райы өте жақсы, мен серуендеуге барамын."),
    ("el", "Γεια σου"),
    ("he", "שלום"),
    ("ar", "مرحبا"),
    ("ar", "شكرا جزيلا"),
    ("ar", "الطقس جميل اليوم وسأذهب للمشي."),
    ("fa", "سلام، حال شما چطور است؟"),
    ("fa", "امروز هوا خیلی خوب است و من به پیاده\u200cروی می\u200cروم."),
    ("ur", "آج موسم بہت اچھا ہے اور میں سیر کے لیے جا رہا ہوں۔"),
    ("hi", "नमस्ते"),
    ("hi", "धन्यवाद"),
    ("hi", "आज मौसम बहुत अच्छा है और मैं घूमने जा रहा हूँ।"),
    ("mr", "आज हवामान खूप छान आहे आणि मी फिरायला जात आहे."),
    ("ne", "आज मौसम धेरै राम्रो छ र म घुम्न जाँदैछु।"),
    ("th", "สวัสดี"),
    ("ko", "안녕하세요"),
    ("ja", "こんにちは"),
    ("ja", "東京へようこそ"),
    ("ja", "カメラ"),
    ("zh", "你好"),
    ("zh", "今天天气很好"),
    ("bn", "নমস্কার"),
    ("ta", "வணக்கம்"),
    ("te", "నమస్కారం"),
    ("ka", "გამარჯობა"),
    ("hy", "Բարեւ"),
    ("am", "ሰላም"),
    ("my", "မင်္ဂလာပါ"),
]


def test_more_than_fifty_languages_are_tried() -> None:
    assert len({code for code, _ in SAID}) >= 50


@pytest.mark.parametrize(("code", "text"), SAID)
def test_a_language_is_told(code: str, text: str) -> None:
    found = guess_language(text)
    assert found.code == code
    assert 0.2 < found.confidence <= 1


@pytest.mark.parametrize(
    "text", ["", "   ", "123 456,78", "!!! 😀 🎉", '<break time="1s"/>', "https://example.com/der/die"]
)
def test_without_a_letter_it_is_english_and_nobody_is_sure(text: str) -> None:
    assert guess_language(text) == Language(code="en", region="US", confidence=0.0)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("HELLO WORLD, THIS IS LOUD", "en"),
        ("我的 iPhone 坏了", "zh"),
        ("I love 東京 and sushi", "en"),
        ("私は Python と TypeScript で書きます", "ja"),
        ("<speak><prosody rate='slow'>Guten Tag</prosody></speak>", "de"),
        ("Schreiben Sie an hello@example.com oder besuchen Sie https://the-best.example", "de"),
        ("Il prezzo è di 1.299,00 € fino al 31/12/2026", "it"),
        ("Café au lait", "fr"),
    ],
)
def test_most_of_a_mixed_text_decides(text: str, code: str) -> None:
    assert guess_language(text).code == code


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("The colour of the centre.", "en-GB"),
        ("The color of the center.", "en-US"),
        ("這個很好，謝謝", "zh-TW"),
        ("这个很好，谢谢", "zh-CN"),
        ("Obrigado por tudo, bom dia", "pt-BR"),
        ("O autocarro não chegou, vou de comboio", "pt-PT"),
        ("Hola, ¿cómo están ustedes?", "es-MX"),
    ],
)
def test_the_region_is_guessed_from_what_is_written_only_there(text: str, tag: str) -> None:
    assert guess_language(text).tag == tag


def test_more_text_makes_it_surer() -> None:
    short, long = guess_language("Nova casa"), guess_language("A nova casa é muito bonita e não fica longe da praia.")
    assert short.confidence < long.confidence > 0.95


@given(st.text(max_size=300))
def test_any_text_gets_an_answer(text: str) -> None:
    found = guess_language(text)
    assert len(found.code) == len(found.region) == 2
    assert 0 <= found.confidence <= 1


def test_a_book_takes_no_longer_than_a_page() -> None:
    assert guess_language("Das ist ein langer Satz. " * 100_000) == guess_language("Das ist ein langer Satz. " * 1000)


def test_many_threads_may_ask() -> None:
    texts = [text for _, text in SAID] * 3
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(guess_language, texts)) == [guess_language(text) for text in texts]


def test_scripts_of_one_language_need_no_model() -> None:
    code = (
        "import sys; from avatarium.engine.speech.language import guess_language as g;"
        "print(g('안녕하세요').code, g('你好').code, g('שלום').code, 'numpy' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.split() == ["ko", "zh", "he", "False"]


def test_everyday_sentences_of_every_language_that_has_a_voice_are_told_apart() -> None:
    """Russian without an ы, э or ё was taken for Bulgarian or Serbian, Afrikaans for Dutch, Malay for Indonesian."""
    text = resources.files("bench.voices").joinpath("sentences.toml").read_text(encoding="utf-8")
    told = [
        (code, said, guess_language(said).code) for code, all_said in tomllib.loads(text).items() for said in all_said
    ]
    assert len({code for code, _, _ in told}) == 54 and len(told) > 140
    assert [said for code, said, guess in told if guess != code] == ["Мајка ми купи млеко и путер за појадок."]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("ru", "Купи хлеб и молоко."),
        ("ru", "Завтра утром поезд придёт на вокзал."),
        ("ru", "Дети играют в парке, а бабушка читает книгу."),
        ("uk", "Діти граються в парку, а бабуся читає книгу."),
        ("bg", "Децата играят в парка, а баба чете книга."),
        ("sr", "Деца се играју у парку, а бака чита књигу."),
        ("mk", "Утре наутро возот ќе дојде на станицата."),
        ("af", "Môre kom die trein vroeg aan."),
        ("ms", "Esok pagi kereta api tiba di stesen."),
    ],
)
def test_neighbours_are_told_apart(code: str, text: str) -> None:
    assert guess_language(text).code == code
