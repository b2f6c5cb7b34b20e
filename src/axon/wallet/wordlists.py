"""The words of a mnemonic (BIP 39) as people wrote them down: ten languages, shortened, numbered.

What is accepted: any spaces, commas and invisible characters between the words; either case; words
without their accents; the first four letters of each, which are unique in a list; and the numbers
of English words, counted from 1 as steel plates do. Whatever is refused is told by its place, and
no word is ever quoted. BDK knows the English list alone; the others are read when they are needed.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Final
from unicodedata import combining, normalize

import bdkpython as bdk

from axon.wallet.errors import BadMnemonic

if TYPE_CHECKING:
    from mnemonic import Mnemonic as WordList

WORD_COUNTS: Final = (12, 15, 18, 21, 24)

MAX_MNEMONIC_SIZE: Final = 4_096
"""Characters; 24 words of any language need 300."""

_LANGUAGES: Final = {
    "english": "English",
    "spanish": "Spanish",
    "french": "French",
    "italian": "Italian",
    "portuguese": "Portuguese",
    "czech": "Czech",
    "japanese": "Japanese",
    "korean": "Korean",
    "chinese_simplified": "Chinese (simplified)",
    "chinese_traditional": "Chinese (traditional)",
}
"""The lists that BIP 39 names."""

_LIST_SIZE: Final = 2_048
_PREFIX_SIZE: Final = 4
"""Letters that tell the words of a list apart (BIP 39)."""

_INVISIBLE: Final = dict.fromkeys(map(ord, "\u200c\u200d\u2060\ufeff\u00ad"))
"""Joiners, byte order mark, soft hyphen: inside or beside words, where editors leave them."""

_PLACE: Final = re.compile(r"([0-9]{1,2})[.):](.*)")
"""A word's number on the paper, and what stands behind it without a space."""

_BETWEEN: Final = re.compile("[\\s,;\u200b\u3001\uff0c]+")

_ELECTRUM_KINDS: Final = {
    "100": "a segwit wallet",
    "101": "a wallet with two factors",
    "102": "a segwit wallet with two factors",
    "01": "a standard wallet",
}
"""How the version hash of an Electrum seed begins."""

_ELECTRUM_WORDS: Final = 12
"""So many words an Electrum seed has at least."""

_KANA_OR_HAN: Final = "[\u3040-\u30ff\u3400-\u9fff]"
_JOINED: Final = re.compile(f"(?<={_KANA_OR_HAN}) (?={_KANA_OR_HAN})")


def check_words(text: str) -> str:
    """A mnemonic as it was written down: its words in full, one space between them, in NFKD.

    Raises:
        BadMnemonic: the number of words, a word or the checksum is wrong, or it is an Electrum
            seed; no word is quoted.
    """
    if len(text) > MAX_MNEMONIC_SIZE:
        raise BadMnemonic(f"a mnemonic has {WORD_COUNTS[-1]} words at most: this is something else")
    text = normalize("NFKD", text).lower().translate(_INVISIBLE)
    return _read(_without_places(list(filter(None, _BETWEEN.split(text)))))


def is_english(words: str) -> bool:
    """Whether checked words are of the English list, and so known to BDK."""
    try:
        bdk.Mnemonic.from_string(words)
    except bdk.Bip39Error:
        return False
    return True


def other_root_key(words: str, bip39_passphrase: str, *, is_test: bool) -> str:
    """The extended private key (BIP 32) of checked words that BDK does not know, in base58."""
    from mnemonic import Mnemonic as WordList

    key: str = WordList.to_hd_master_key(WordList.to_seed(words, bip39_passphrase), is_test)
    return key


def _read(words: list[str]) -> str:
    if len(words) not in WORD_COUNTS:
        _refuse_electrum(words)
        raise BadMnemonic(f"a mnemonic has 12 words (or 15, 18, 21, 24), not {len(words)}")
    if all(word.isascii() and word.isdigit() for word in words):
        return _by_numbers([int(word[:9]) for word in words])
    text = " ".join(words)
    if text.isascii() and is_english(text):
        return text
    found = [_expanded(name, words, in_full=True) for name in _LANGUAGES]
    if not any(None not in each for each in found):
        found = [_expanded(name, words, in_full=False) for name in _LANGUAGES]
    whole = [
        (name, " ".join(filter(None, each)))
        for name, each in zip(_LANGUAGES, found, strict=True)
        if None not in each
    ]
    if not whole:
        raise BadMnemonic(_unknown(found))
    valid = {text: name for name, text in whole if _word_list(name).check(text)}
    if not valid:
        _refuse_electrum(words)
        raise BadMnemonic(
            "every word exists, but the checksum is wrong: check their order, and look for a word"
            " that was taken for a similar one"
        )
    if len(valid) > 1:
        named = " and ".join(_LANGUAGES[name] for name in valid.values())
        raise BadMnemonic(f"these letters begin words in {named}: write the words in full")
    return next(iter(valid))


def _by_numbers(numbers: list[int]) -> str:
    """The words of numbers that count the English list."""
    english = _word_list("english")

    def counted_from(first: int) -> str | None:
        if not all(first <= number < first + _LIST_SIZE for number in numbers):
            return None
        text = " ".join(english.wordlist[number - first] for number in numbers)
        return text if english.check(text) else None

    text = counted_from(1)
    if text is not None:
        return text
    counts = "numbers count the English words of BIP 39 from 1 (abandon) to 2048 (zoo)"
    if counted_from(0) is not None:
        raise BadMnemonic(f"{counts}, and these were counted from 0: add 1 to each")
    wrong = [place for place, number in enumerate(numbers, 1) if not 1 <= number <= _LIST_SIZE]
    if wrong:
        raise BadMnemonic(f"{counts}: {_number_places(wrong)} not among them")
    raise BadMnemonic(f"{counts}; the checksum of these is wrong: check each of them")


def _unknown(found: list[list[str | None]]) -> str:
    """Which words are in no list, by the list that has most of them."""
    name, best = min(zip(_LANGUAGES, found, strict=True), key=lambda pair: pair[1].count(None))
    wrong = [place for place, word in enumerate(best, 1) if word is None]
    if len(wrong) == len(best):
        return "none of these words is in one of the ten word lists of BIP 39: check their spelling"
    return (
        f"{_places('word', wrong)} not in the {_LANGUAGES[name]} word list of BIP 39: check the"
        " spelling"
    )


def _places(noun: str, places: list[int]) -> str:
    if len(places) == 1:
        return f"{noun} {places[0]} is"
    *most, last = map(str, places)
    return f"{noun}s {', '.join(most)} and {last} are"


def _number_places(places: list[int]) -> str:
    """Not `number 3 is`, which would name the number itself."""
    if len(places) == 1:
        return f"the number at place {places[0]} is"
    *most, last = map(str, places)
    return f"the numbers at places {', '.join(most)} and {last} are"


def _without_places(words: list[str]) -> list[str]:
    """The words alone, where each stands behind its own place, as in `1. legal 2. winner`."""
    pieces: list[str] = []
    for word in words:
        numbered = _PLACE.fullmatch(word)
        pieces += [word] if numbered is None else filter(None, numbered.groups())
    places, named = pieces[::2], pieces[1::2]
    expected = [str(place) for place in range(1, len(named) + 1)]
    if [place.lstrip("0") for place in places] != expected or any(map(str.isdigit, named)):
        return words
    return named


def _expanded(name: str, words: list[str], *, in_full: bool) -> list[str | None]:
    """Words as they stand in a list; None for each that does not.

    Args:
        in_full: first letters and words without their accents do not count.
    """
    plain = _plain_words(name)
    known = frozenset(_word_list(name).wordlist)
    if in_full:
        return [word if word in known else None for word in words]
    return [word if word in known else _one_beginning(word, plain) for word in words]


def _one_beginning(letters: str, plain: dict[str, str | None]) -> str | None:
    """The one word that has these letters, or begins with at least four of them."""
    letters = _without_accents(letters)
    if letters in plain or len(letters) < _PREFIX_SIZE:
        return plain.get(letters)
    begun = [word for without, word in plain.items() if without.startswith(letters)]
    return begun[0] if len(begun) == 1 else None


@cache
def _word_list(name: str) -> WordList:
    from mnemonic import Mnemonic as WordList  # Read by who restores other words than English ones.

    return WordList(name)


@cache
def _plain_words(name: str) -> dict[str, str | None]:
    """The words of a list by what they are without accents; None where two would be the same."""
    found: dict[str, str | None] = {}
    for word in _word_list(name).wordlist:
        without = _without_accents(word)
        found[without] = None if without in found else word
    return found


def _without_accents(text: Iterable[str]) -> str:
    return "".join(sign for sign in text if not combining(sign))


def _refuse_electrum(words: list[str]) -> None:
    """Name a seed of Electrum, which has the same words and another checksum.

    One of 220 mnemonics with a mistake is taken for one.
    """
    if len(words) < _ELECTRUM_WORDS:
        return
    text = _JOINED.sub("", _without_accents(" ".join(words)))
    version = hmac.digest(b"Seed version", text.encode("utf-8", "surrogatepass"), "sha512").hex()
    for head, kind in _ELECTRUM_KINDS.items():
        if version.startswith(head):
            raise BadMnemonic(
                f"these words are an Electrum seed, of {kind}, and no mnemonic of BIP 39: axon"
                " cannot restore it. Open it in Electrum, and pay from there to an address of a"
                " wallet made here"
            )
