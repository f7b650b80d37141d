"""The words of a text in any script, for search. Pure.

* Text is brought to one form (NFKC, then case folding): composed and decomposed letters, full-width
  and half-width signs, ligatures and cases are alike.
* A word is a run of letters, digits and the marks on them, so that the vowel signs of Hindi, Thai
  or Hebrew do not cut it. English endings are taken off words in Latin letters (Porter 2001).
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
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # points of Hebrew
    "\u0610-\u061a\u0640\u064b-\u065f\u0670]"  # vowel signs and stretching of Arabic
)
"""Signs that are not seen, or that most writers leave out."""


def indexed(text: str) -> list[str]:
    """The words of a text that is to be found; of scripts without blanks single signs as well."""
    return list(_words(text, alone=True))


def asked(text: str) -> list[str]:
    """The words of a query. A single sign is one only where it stands alone."""
    return list(_words(text, alone=False))


def _words(text: str, *, alone: bool) -> Iterator[str]:
    word, unspaced, sign, latin = _patterns()
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    for run in word.findall(_OPTIONAL.sub("", plain)):
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
