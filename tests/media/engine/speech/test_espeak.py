from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from avatarium.engine.speech.g2p import espeak as front_end
from avatarium.engine.speech.g2p.espeak import Espeak, espeak, transcribe_by_espeak
from avatarium.engine.speech.text.prepare import Token
from avatarium.errors import TextError

pytestmark = pytest.mark.usefixtures("espeak_ng")


def tokens(text: str) -> list[Token]:
    return [Token(written=word, spoken=word) for word in text.split()]


def test_it_answers_in_ipa() -> None:
    assert espeak().phonemes("es", "hola mundo") == "ˈola mˈundo"
    assert espeak().phonemes("fr", "bonjour") == "bɔ̃ʒˈuʁ"


def test_it_never_lives_in_this_process() -> None:
    """eSpeak NG is under another licence than this project: it must not be loaded beside it."""
    espeak().phonemes("it", "ciao")
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("this system does not tell which libraries are loaded")
    assert "espeak" not in maps.read_text()


def test_it_comes_back_when_it_dies() -> None:
    shared = espeak()
    shared.phonemes("es", "uno")
    process = shared._process
    assert process is not None
    process.kill()
    process.wait(30)
    assert shared.phonemes("es", "dos") == "dˈos"


def test_words_linked_in_french_keep_their_tokens() -> None:
    spoken = transcribe_by_espeak(tokens("vont à l'école"), language="fr")
    assert {owner for owner in spoken.owners if owner is not None} == {0, 1, 2}


def test_words_of_another_language_leave_no_marks_in_the_signs() -> None:
    """espeak says where it switches, ``(en)`` and back; that was spoken as letters."""
    spoken = transcribe_by_espeak(tokens("un week-end de shopping"), language="fr")
    assert not set("()") & set(spoken.signs)


def test_languages_that_kokoro_does_not_speak_are_written_in_its_alphabet() -> None:
    assert transcribe_by_espeak(tokens("ich möchte"), language="de").signs.startswith("ɪç mˈœçtə")


def test_one_token_of_many_words() -> None:
    spoken = transcribe_by_espeak([Token(written="$5", spoken="cinco dólares"), *tokens("aquí.")], language="es")
    assert spoken.signs.endswith(". ") and spoken.owners[0] == 0
    assert [o for o in spoken.owners if o is not None][-1] == 1


def test_punctuation_stays_with_its_word() -> None:
    spoken = transcribe_by_espeak(tokens("Sí, (creo) que no."), language="es")
    assert "," in spoken.signs and " ," not in spoken.signs
    assert "(kɾ" in spoken.signs.replace("ˈ", "")


def test_a_library_that_dies_of_every_text_is_one_sentence(tmp_path: Path) -> None:
    broken = Espeak(tmp_path / "no-library.so", tmp_path)
    with pytest.raises(TextError) as caught:
        broken.phonemes("es", "hola")
    assert caught.value.code == "phonemes_failed"
    broken.close()


def test_a_hung_process_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(front_end, "ANSWER_TIMEOUT_S", 0.2)
    hung = Espeak(tmp_path, tmp_path)
    hung._command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(TextError):
        hung.phonemes("es", "hola")
    assert hung._process is None


def test_nothing_is_left_behind_at_exit() -> None:
    script = (
        "from avatarium.engine.speech.g2p.espeak import espeak; e = espeak(); e.phonemes('es', 'uno');"
        "print(e._process.pid)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert not Path(f"/proc/{int(done.stdout)}").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("du lait et du sucre", "dy lˈɛ e dy sˈykʁ"),
        ("les enfants et leurs amis", "lez ɑ̃fˈɑ̃ e lœʁz amˈi"),
        ("ils dorment et ils rêvent", "il dˈɔʁm e il ʁˈɛv"),
        ("Bien et mal", "bjˈɛ̃ e mˈal"),
        ("trois heures et demie", "tʁwˈaz ˈœʁ e dəmˈi"),
        ("vingt et un ans", "vˈɛ̃t e œ̃n ˈɑ̃"),
        ("petit à petit", "pətˈit a pətˈi"),
    ],
)
def test_nothing_is_linked_to_a_french_et_but_in_a_number(text: str, said: str) -> None:
    """*Le lait et* had a t, *ils dorment et* a t amid the verb."""
    spoken = transcribe_by_espeak(tokens(text), language="fr")
    assert spoken.signs.strip() == said
    assert {owner for owner in spoken.owners if owner is not None} == set(range(len(text.split())))
