from __future__ import annotations

import itertools
import time
import tracemalloc

import numpy as np
import pytest

from avatarium.engine.speech import Speech, find_voice, join, prepare, stream, synthesize, voices, warm_up
from avatarium.engine.speech.timing import ENVELOPE_HOP, envelope_db
from avatarium.errors import OptionError, TextError

SCRIPT = (
    "Hello there! Peter put the big blue map back, but his mother kept the book. On 3/4/2024 at 3:30 pm it cost $5.50, "
    "e.g. in Bob's shop. Maybe people bump into a lamp; my baby grabs a pipe, and a small bird sips from a cup."
)
BOTH_LIVE = pytest.mark.parametrize("voice", ["hibari-ava", "hibari-noah"])


def check(speech: Speech, text: str) -> None:
    """What must be true of anything that was ever said."""
    assert speech.audio.dtype == np.float32 and speech.audio.ndim == 1
    assert np.abs(speech.audio).max() <= 1.0
    assert [word.text for word in speech.words] and " ".join(w.text for w in speech.words).split() == text.split()
    for times in ([(p.start_s, p.end_s) for p in speech.phonemes], [(w.start_s, w.end_s) for w in speech.words]):
        assert all(0.0 <= start < end <= speech.duration_s + 1e-6 for start, end in times)
        assert all(a[1] <= b[0] + 1e-6 for a, b in itertools.pairwise(times))
    for word in speech.words:
        inside = [p for p in speech.phonemes if word.start_s - 1e-6 <= p.start_s and p.end_s <= word.end_s + 1e-6]
        assert inside, word
    assert not set("".join(p.ipa for p in speech.phonemes)) & set("AIOQWYTSʤʧᵊᵻˈˌ")


@BOTH_LIVE
@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_live_voices(voice: str, rate: float) -> None:
    speech = synthesize(SCRIPT, voice, rate)
    check(speech, SCRIPT)
    assert speech.rate == 24_000 and speech.language == "en-US"
    assert 8.0 < speech.duration_s * rate < 22.0
    assert any(p.stress == 1 for p in speech.phonemes)


def closures_found(speech: Speech, shift_s: float) -> float:
    """Share of the p and b in whose stated time, moved by a shift, the sound is quietest of all around."""
    envelope = envelope_db(speech.audio)
    hop_s = ENVELOPE_HOP / speech.rate
    found = []
    for p in speech.phonemes:
        if p.ipa in ("p", "b"):
            start, end = p.start_s + shift_s, p.end_s + shift_s
            around = envelope[max(0, round((start - 0.08) / hop_s)) : round((end + 0.08) / hop_s)]
            inside = envelope[max(0, round(start / hop_s)) : round(end / hop_s)]
            found.append(inside.min() <= around.min() + 3.0)
    assert len(found) > 20
    return float(np.mean(found))


@BOTH_LIVE
def test_lips_that_close_are_quiet_just_then(voice: str) -> None:
    """Fails without the correction of the network's lag, which is 55 ms."""
    speech = synthesize(SCRIPT, voice)
    assert closures_found(speech, 0.0) >= 0.75
    assert closures_found(speech, 0.055) < closures_found(speech, 0.0) - 0.1
    assert closures_found(speech, -0.055) < closures_found(speech, 0.0) - 0.1


@BOTH_LIVE
def test_vowels_are_where_the_sound_is(voice: str) -> None:
    """Duration boundaries of the network lie 55 ms late; moved, they fit the loudness best as they are."""
    speech = synthesize(SCRIPT, voice)
    envelope = np.maximum(envelope_db(speech.audio), -45.0)
    vowels = np.zeros(len(envelope))
    hop_s = ENVELOPE_HOP / speech.rate
    for p in speech.phonemes:
        if p.ipa[0] in "aeiouæɑɐɒɔəɛɜɪʊʌɨ":
            vowels[round(p.start_s / hop_s) : round(p.end_s / hop_s)] = 1.0
    lags = {lag: float(np.corrcoef(np.roll(vowels, lag), envelope)[0, 1]) for lag in range(-16, 17)}
    best = max(lags, key=lambda lag: lags[lag])
    assert abs(best * hop_s) <= 0.02
    assert lags[best] > 0.5


def test_pauses_are_gaps_and_gaps_are_silent() -> None:
    speech = synthesize("First this, and then that. Now the end.", "hibari-ava")
    envelope = envelope_db(speech.audio)
    hop_s = ENVELOPE_HOP / speech.rate
    gaps = [(a.end_s, b.start_s) for a, b in itertools.pairwise(speech.phonemes) if b.start_s - a.end_s > 0.1]
    assert gaps
    for start, end in gaps:
        inner = envelope[round((start + 0.04) / hop_s) : round((end - 0.04) / hop_s)]
        assert np.median(inner) < -35.0


@pytest.mark.parametrize(("markup", "seconds"), [('time="500ms"', 0.5), ('time="2s"', 2.0), ('strength="strong"', 0.8)])
def test_breaks_are_silence_of_the_length_asked_for(markup: str, seconds: float) -> None:
    speech = synthesize(f"One moment <break {markup}/> please.", "hibari-ava")
    please = next(word for word in speech.words if word.text.startswith("please"))
    moment = next(word for word in speech.words if word.text == "moment")
    assert please.start_s - moment.end_s == pytest.approx(seconds, abs=0.08)
    middle = speech.audio[round((moment.end_s + 0.1) * 24_000) : round((please.start_s - 0.1) * 24_000)]
    assert np.abs(middle).max() < 0.01


def test_break_at_the_start_and_at_the_end() -> None:
    speech = synthesize('<break time="1s"/>Hello.<break time="3s"/>', "hibari-ava")
    assert speech.words[0].start_s == pytest.approx(1.04, abs=0.08)
    assert speech.duration_s - speech.words[-1].end_s == pytest.approx(3.0, abs=0.08)


@BOTH_LIVE
def test_same_arguments_same_samples(voice: str) -> None:
    first, second = (synthesize(SCRIPT, voice, 1.1, seed=7) for _ in range(2))
    assert np.array_equal(first.audio, second.audio)
    assert (first.phonemes, first.words) == (second.phonemes, second.words)
    assert not np.array_equal(first.audio, synthesize(SCRIPT, voice, 1.1, seed=8).audio)


def test_stream_is_synthesis_in_parts() -> None:
    chunks = list(stream(SCRIPT, "hibari-ava"))
    assert len(chunks) >= 4
    whole = synthesize(SCRIPT, "hibari-ava")
    joined = join(chunks)
    assert np.array_equal(joined.audio, whole.audio)
    assert joined.phonemes == whole.phonemes and joined.words == whole.words
    assert all(chunk.phonemes[0].start_s < 0.2 for chunk in chunks)


def test_first_chunk_of_a_long_first_sentence_is_short() -> None:
    text = "When everybody had come home, the old man told them about the sea and the ships that he had known as a boy."
    first, *_ = stream(text, "hibari-ava")
    assert first.duration_s < 3.0
    assert first.words[-1].text == "home,"


def test_first_sound_of_a_live_voice_costs_little() -> None:
    warm_up("hibari-ava")

    def cost_s(name: str) -> float:
        start = time.thread_time()
        next(stream(f"Hello {name}, how are you today?", "hibari-ava"))
        return time.thread_time() - start

    assert min(map(cost_s, ("there", "Adam", "Mary"))) < 0.15


def test_long_script_is_streamed_in_bounded_memory() -> None:
    script = " ".join(f"This is sentence number {i} of a long script." for i in range(30))
    reader = stream(script, "hibari-ava")
    next(reader)
    tracemalloc.start()
    total_s = sum(chunk.duration_s for chunk in reader)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total_s > 60.0
    assert peak < 12e6


def test_endless_sentence_is_spoken_whole() -> None:
    text = "one " * 60 + "1234567890 " * 24
    speech = synthesize(text, "hibari-ava")
    check(speech, text)
    assert speech.duration_s > 50.0


def test_mixed_text_speaks_what_it_can() -> None:
    speech = synthesize("Привет hello 你好 world 🙂", "hibari-ava")
    assert " ".join(word.text for word in speech.words) == "Привет hello 你好 world 🙂"


def test_bad_text_is_refused_before_anything_is_said() -> None:
    for text, code in (("", "empty_text"), ("?!", "nothing_to_say"), ("Привет", "wrong_script")):
        with pytest.raises(TextError) as caught:
            stream(text, "hibari-ava")
        assert caught.value.code == code


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.15, 1.5, 2.0])
@BOTH_LIVE
def test_speeds_are_what_was_asked_for(voice: str, rate: float) -> None:
    """Frames of 12.5 ms made 1.05 of 1.15, and 1.64 of 1.5."""
    text = "Please remember to bring your passport and two photographs."
    natural, made = (synthesize(text, voice, speed) for speed in (1.0, rate))
    spans = [speech.phonemes[-1].end_s - speech.phonemes[0].start_s for speech in (natural, made)]
    assert spans[1] * rate / spans[0] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("rate", [0.4, 2.1, float("nan")])
def test_bad_rate(rate: float) -> None:
    with pytest.raises(OptionError) as caught:
        stream("Hello", "hibari-ava", rate)
    assert caught.value.code == "bad_rate"


@pytest.mark.long
@pytest.mark.usefixtures("kokoro", "espeak_ng")
@pytest.mark.parametrize(
    ("voice", "text", "sounds"),
    [
        ("kokoro-heart", "Hello, it costs $5.", "hɛloʊ ɪt kɔsts faɪv dɑləɹz"),
        ("kokoro-george", "Hello, it costs £5.", "həloʊ ɪt kɒsts faɪv paʊndz"),
        ("kokoro-dora-es", "¿Cómo está usted? Son 5 euros.", "komo esta usted son θinko euɾos"),
        ("kokoro-siwis-fr", "Les enfants vont à l'école, monsieur.", "lez ɑ̃fɑ̃ vɔ̃ta lekɔl məsjø"),
        ("kokoro-sara-it", "Buongiorno, costa 5 euro.", "bwondʒorno kosta tʃinkwe ɛuro"),
        ("kokoro-dora-pt", "Bom dia, custa 5 reais.", "bõ dʒia kusta sinku xeais"),
        ("kokoro-alpha-hi", "नमस्ते, यह 5 रुपये का है।", "nəməste jəh pãtʃ ɾupəje ka hɛ"),
    ],
)
def test_best_voices_in_every_language(voice: str, text: str, sounds: str) -> None:
    speech = synthesize(text, voice, threads=1)
    check(speech, text)
    said, hoped = {p.ipa[0] for p in speech.phonemes}, set(sounds.replace(" ", "")) - set("\u0303")
    assert len(said & hoped) >= 0.6 * len(hoped)


@pytest.mark.long
@pytest.mark.usefixtures("kokoro")
def test_best_voice_is_the_same_every_time() -> None:
    first, second = (synthesize("Same again.", "kokoro-michael", seed=seed, threads=1) for seed in (0, 1))
    assert np.array_equal(first.audio, second.audio)


@pytest.mark.usefixtures("kokoro")
def test_every_voice_has_its_file() -> None:
    from avatarium.engine.assets import default_store

    folder = default_store().path("kokoro-voices")
    for voice in voices():
        assert voice.live or (folder / f"{voice.model}.bin").is_file()


@pytest.mark.parametrize("language", ["en-GB", "es", "fr", "it", "pt-BR", "hi"])
@pytest.mark.usefixtures("kokoro", "espeak_ng")
def test_every_sign_of_the_front_ends_is_known_to_kokoro(language: str) -> None:
    from avatarium.engine.speech.models import kokoro
    from avatarium.engine.speech.synthesis import _transcriber

    text = {
        "en-GB": "The quick brown fox jumps over the lazy dog near a fire, which burns pure oil there.",
        "es": "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío; añoraba a su querido cachorro.",
        "fr": "Voix ambiguë d'un cœur qui au zéphyr préfère les jattes de kiwis; un garçon bien élevé, quelque vigne.",
        "it": "Ma la volpe, col suo balzo, ha raggiunto il quieto Fido; gli gnomi sognano maglie e acqua.",
        "pt-BR": "À noite, vovô Kowalsky vê o ímã cair no pé do pinguim queixoso e vovó põe açúcar no chá de tâmaras.",
        "hi": "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश करने वाले भगवान श्रीराम।",
    }[language]
    (sentence,) = prepare(text, language)
    transcript = _transcriber(find_voice(language))(sentence.tokens)
    unknown = {sign for sign in transcript.signs if sign not in kokoro.signs_known()}
    assert not {sign for sign in unknown if sign.isalpha()}, unknown
    assert {owner for owner in transcript.owners if owner is not None} == set(range(len(sentence.tokens)))
