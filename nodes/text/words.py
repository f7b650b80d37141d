"""The words of a text in any script, for search. Pure.

* Text is brought to one form (NFKC, then case folding): composed and decomposed letters, full-width
  and half-width signs, ligatures and cases are alike.
* A word is a run of letters, digits and the marks on them, so that the vowel signs of Hindi or Thai
  do not cut it. Marks that most writers leave out do not count: the points of Hebrew, Arabic and
  Syriac, hamza and madda on alef, accents of Greek, and marks of stress or tone on Cyrillic and
  Latin letters. Marks that make a letter do: й, ё, ї, ñ, å and é are letters of their own, which is
  seen from Unicode having one sign for them; the Turkish İ, I, ı and i are one.
* English endings are taken off words in Latin letters (Porter 2001).
* Chinese, Japanese, Thai, Lao, Khmer, Burmese and Tibetan are written without blanks between words,
  and in Korean particles and endings are written onto them. There the words are pairs of
  neighbouring signs: they need no dictionary, which would have to be right for names and new words
  too, and serve a search about as well as words do (Kwok 1997, "Comparing Representations in
  Chinese Information Retrieval", SIGIR; Lucene's CJKAnalyzer does the same). 학교에서 is found by
  학교, and 大学生 by 大学.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

_OPTIONAL = re.compile(
    "[\u00ad\u034f\u200d\u2060\ufeff"  # hints for hyphens, joiners, marks of byte order
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # directions
    "\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variants of one sign
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # points of Hebrew
    "\u0610-\u061a\u0640\u064b-\u065f\u0670"  # vowel signs and stretching of Arabic
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u08ca-\u08e1\u08e3-\u08ff"  # the Quran's
    "\u0730-\u074a]"  # points of Syriac
)
"""Signs that are not seen, or that most writers leave out."""

_STRESS = re.compile("(?<=[a-z\u00df-\u024f\u0400-\u052f\u1e00-\u1eff])[\u0300\u0301\u030f\u0311]+")
"""Acute, grave and their doubles that make no letter of Latin or Cyrillic: NFKC left them apart."""

_GREEK_ACCENTS = re.compile("[\u0300\u0301\u0313\u0314\u0342\u0345]+")
"""All but the diaeresis. What is written in capitals has none."""
_GREEK = re.compile("[\u0370-\u03ff\u1f00-\u1fff]+")

_DOT = re.compile("(?<=i)\u0307")
"""What folding leaves of the Turkish capital İ."""

_PLAIN = str.maketrans(
    "\u0622\u0623\u0625\u0671\u0450\u045d\u0131", "\u0627\u0627\u0627\u0627\u0435\u0438i"
)
"""Alef with hamza, madda or wasla; Cyrillic е and и with a grave, which only tells words apart; the
Turkish ı, whose capital I is everybody's."""


def indexed(text: str) -> list[str]:
    """The words of a text that is to be found; of scripts without blanks single signs as well."""
    return list(_words(text, alone=True))


def asked(text: str) -> list[str]:
    """The words of a query. A single sign is one only where it stands alone."""
    return list(_words(text, alone=False))


def _words(text: str, *, alone: bool) -> Iterator[str]:
    word, unspaced, sign, latin = _patterns()
    for run in word.findall(_plain(text)):
        for part in unspaced.split(run):
            if not part:
                continue
            if not unspaced.fullmatch(part):
                yield _stem(part) if latin.fullmatch(part) else part
                continue
            signs = sign.findall(part)
            if alone or len(signs) == 1:
                yield from signs
            yield from map("".join, pairwise(signs))


def _plain(text: str) -> str:
    """A text in one form, without what may be left out in writing."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if plain.isascii():
        return plain
    plain = _STRESS.sub("", _DOT.sub("", _OPTIONAL.sub("", plain))).translate(_PLAIN)
    return _GREEK.sub(_without_accents, plain)


def _without_accents(found: re.Match[str]) -> str:
    bare = _GREEK_ACCENTS.sub("", unicodedata.normalize("NFD", found[0]))
    return unicodedata.normalize("NFC", bare)


@cache
def _patterns() -> tuple[Any, Any, Any, Any]:
    import regex

    scripts = (
        "Han", "Hiragana", "Katakana", "Hangul", "Bopomofo", "Thai", "Lao", "Khmer", "Myanmar",
        "Tibetan", "Yi",
    )  # fmt: skip
    unspaced = "".join(rf"\p{{Script={name}}}" for name in scripts) + "\u30fc"
    return (
        regex.compile(r"[\p{L}\p{N}\p{M}\p{Pc}]+"),
        regex.compile(rf"((?:[{unspaced}]\p{{M}}*)+)"),
        regex.compile(r"\X"),
        regex.compile(r"[\p{Latin}\p{M}]+"),
    )


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    """A word without its English ending. Words come again and again: each is looked at once."""
    return str(_stemmer().stem(word))


@cache
def _stemmer() -> Any:
    from nltk.stem.snowball import SnowballStemmer

    return SnowballStemmer("english")
