"""Words as people wrote them down: ten languages, shortened, numbered, and never quoted."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from unicodedata import combining

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mnemonic import Mnemonic as WordList

from axon.wallet.errors import BadMnemonic
from axon.wallet.keys import new_words
from axon.wallet.wordlists import check_words, other_root_key

ABOUT = "abandon " * 11 + "about"
ZERO_ENTROPY = {
    "japanese": ("あいこくしん", "あおぞら"),
    "french": ("abaisser", "abeille"),
    "spanish": ("ábaco", "abierto"),
    "italian": ("abaco", "abete"),
    "chinese": ("的", "在"),
    "korean": ("가격", "가능"),
    "portuguese": ("abacate", "abater"),
    "czech": ("abdikace", "agrese"),
}


@pytest.mark.parametrize(
    ("zeros", "last"),
    [(11, "about"), (14, "address"), (17, "agent"), (20, "admit"), (23, "art")],
)
def test_words_come_in_five_counts(zeros: int, last: str) -> None:
    # All entropy zero: only the last word has a checksum in it.
    words = "abandon " * zeros + last
    assert check_words(words) == words


@pytest.mark.parametrize("form", ["{}. {}", "{}.{}", "{}) {}", "{:02}: {},", "{} {}"])
def test_places_before_all_words_are_left_out(form: str) -> None:
    numbered = [form.format(place, word) for place, word in enumerate(ABOUT.split(), 1)]
    assert check_words("\n".join(numbered)) == ABOUT
    with pytest.raises(BadMnemonic):
        check_words("\n".join([*numbered[:3], *numbered[4:]]))


@pytest.mark.parametrize("language", ZERO_ENTROPY)
def test_every_language_of_bip_39(language: str) -> None:
    word, last = ZERO_ENTROPY[language]
    found = check_words(" ".join([word] * 11 + [last]))
    assert found == WordList.normalize_string(" ".join([word] * 11 + [last]))
    with pytest.raises(BadMnemonic, match="checksum is wrong"):
        check_words(" ".join([word] * 12))


@given(
    st.sampled_from(["english", *(name for name in ZERO_ENTROPY if name != "chinese")])
    | st.sampled_from(["chinese_simplified", "chinese_traditional"]),
    st.sampled_from([16, 20, 24, 28, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
)
def test_words_in_full_are_read_as_they_are(language: str, entropy: bytes) -> None:
    made = WordList(language).to_mnemonic(entropy)
    assert check_words(made) == WordList.normalize_string(made)


@pytest.mark.long
@given(
    st.sampled_from(["english", "spanish", "french", "italian", "portuguese", "czech"]),
    st.binary(min_size=32, max_size=32),
)
def test_four_letters_are_enough(language: str, entropy: bytes) -> None:
    made = WordList(language).to_mnemonic(entropy)
    letters = "".join(sign for sign in made if not combining(sign))
    shortened = " ".join(word[:4] for word in letters.split())
    assert check_words(shortened) == made


def test_the_keys_of_japanese_words() -> None:
    # The first vector of BIP 39's Japanese set.
    words = check_words("あいこくしん\u3000" * 11 + "あおぞら")
    assert other_root_key(words, "㍍ガバヴァぱばぐゞちぢ十人十色", is_test=False) == (
        "xprv9s21ZrQH143K258jAiWPAM6JYT9hLA91MV3AZUKfxmLZJCjCHeSjBvMbDy8C1mJ2FL5ytExyS97FAe6pQ6SD5J"
        "t9SwHaLorA8i5Eojokfo1"
    )


@pytest.mark.parametrize(
    "text",
    [
        "  " + ABOUT.upper().replace(" ", "\n ") + " ",
        "\ufeff" + ABOUT,
        ABOUT + "\u200b",
        ABOUT.replace(" ", "\u200b"),
        ABOUT.replace(" ", "\u00a0"),
        ABOUT.replace(" ", ", "),
        ABOUT.replace(" ", ";") + ";",
        ABOUT.replace(" ", "\u3000"),
        ABOUT.replace("aba", "aba\u00ad"),
        "".join(chr(ord(sign) + 0xFEE0) if sign != " " else sign for sign in ABOUT),
        "aban " * 11 + "abou",
        "1 " * 11 + "4",
        "0001," * 11 + "0004",
    ],
)
def test_what_stands_between_and_around_the_words(text: str) -> None:
    assert check_words(text) == ABOUT


def test_accents_may_be_left_out() -> None:
    assert check_words("abaco " * 11 + "abierto") == "a\u0301baco " * 11 + "abierto"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("abandon " * 10 + "about", "12 words .* not 11"),
        ("abandon " * 12 + "about", "12 words .* not 13"),
        ("", "not 0"),
        ("abandon " * 12, "checksum is wrong"),
        ("abandon " * 11 + "abut", "word 12 is not in the English word list"),
        ("abandonn " + "abandon " * 10 + "about", "word 1 is not"),
        ("abandonn " * 2 + "abandon " * 9 + "abut", "words 1, 2 and 12 are not"),
        ("abaisser " * 11 + "abeile", "word 12 is not in the French word list"),
        ("abandonn " * 12, "none of these words is in one of the ten word lists"),
        ("aba " * 12, "none of these words"),
        ("абзац " * 12, "none of these words"),
        ("\ud800 " * 12, "none of these words"),
        ("abandon " * 11 + "\udcff", "word 12 is not"),
        ("0 " * 11 + "3", "these were counted from 0: add 1 to each"),
        ("1 " * 11 + "2049", "from 1 .* to 2048 .*: the number at place 12 is not among them"),
        ("0 " + "9999999999999 " + "1 " * 10, "the numbers at places 1 and 2 are not among them"),
        ("1 " * 12, "the checksum of these is wrong"),
        ("a" * 5_000, "something else"),
    ],
)
def test_wrong_words_are_told_apart(words: str, says: str) -> None:
    with pytest.raises(BadMnemonic, match=says) as caught:
        check_words(words)
    for secret in ("abandonn", "abut", "abeile", "9999", "\ud800"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        # Electrum's own test vectors.
        (
            "wild father tree among universe such mobile favorite target dynamic credit identify",
            "a segwit wallet",
        ),
        (
            "cycle rocket west magnet parrot shuffle foot correct salt library feed song",
            "a standard wallet",
        ),
    ],
)
def test_an_electrum_seed_is_named(words: str, kind: str) -> None:
    with pytest.raises(BadMnemonic, match=f"an Electrum seed, of {kind}, and no mnemonic"):
        check_words(words)


@given(
    st.text(max_size=200) | st.lists(st.sampled_from(["aban", "1", "的", "\ud800"])).map(" ".join)
)
def test_any_text_is_a_mnemonic_or_refused(text: str) -> None:
    with suppress(BadMnemonic):
        check_words(text)


def test_english_words_need_no_word_lists() -> None:
    """They cost memory and time that only the restoring of other words is worth."""
    program = (
        "import sys; from axon.wallet.wordlists import check_words;"
        f"check_words({new_words(bytes(16))!r}); assert 'mnemonic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_letters_that_fit_two_languages_are_not_guessed() -> None:
    with pytest.raises(BadMnemonic, match=r"begin words in English and French: write .* in full"):
        check_words("cere voca empl sens cano rais dema asse dema mode pare scru")
