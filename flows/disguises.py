"""The forms that a secret takes in text: as it stands, escaped, or written in another alphabet.

Escaped is what URLs, JSON, Python and HTML do to single characters. Libraries differ in which they
escape (`~` and `*` in a form, `<` and `+` in JSON), so any character may be escaped, in any of
these ways. Hexadecimal digits, base64 and base32 write the whole anew (RFC 3986, RFC 4648).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from functools import cache, cached_property, lru_cache

SHORTEST = 4
"""Values shorter than this many characters are not looked for: they would hit ordinary words."""
SHORTEST_FORM = 8
"""Other forms shorter than this are left: the middle of a short text in base64, say."""

_MARKS = "%\\&+"
"""One of these stands in all that is escaped; a text without them is not looked through again."""
_ESCAPES = re.compile(f"[{re.escape(_MARKS)}]")
_UNIT = re.compile(r"\\*[^\\]|\\+", re.DOTALL)
"""What of a secret is read at a time: a character, with the backslashes that stand before it."""
_SLASHES = 4
"""As many backslashes one becomes in JSON that stands in JSON."""
_RUN = rf"\\{{1,{_SLASHES}}}"
_LETTERS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_LONGEST = 13
"""Characters of the longest escape: four backslashes before a U and eight digits (in JSON that
stands in JSON)."""
_PART = r"%[0-9a-f]{0,4}|&#?\w{0,8}|\\+(?:u[0-9a-f]{0,3}|U[0-9a-f]{0,7}|x[0-9a-f]?)?"
_UNFINISHED = re.compile(
    rf"(?:%[0-9a-f]{{2,4}}){{0,3}}(?:\\+ud[89ab]..)?(?:{_PART})?", re.IGNORECASE
)
"""What an escape may look like before its end, of a letter of several bytes or units, too."""
_UNFINISHED_UNIT = re.compile(
    rf"(?:%[0-9a-f]{{2,4}}|\\+[ux][0-9a-f]+|&\w+;|&#\w+;)*(?:{_PART})?", re.IGNORECASE
)
"""The same of several letters: backslashes, and the one behind them."""


@lru_cache(maxsize=1024)
def disguised(value: str) -> Disguised:
    """A secret in all its forms, made once: each run asks for its own again."""
    return Disguised(value)


class Disguised:
    """One secret in all its forms."""

    def __init__(self, value: str) -> None:
        self.value = value
        raw = value.encode("utf-8", "surrogatepass")
        anew = {raw.hex(), raw.hex().upper(), *_in_base64(raw), *_in_base32(raw)}
        forms = {form for form in anew if len(form) >= SHORTEST_FORM} | {value}
        self.forms = tuple(sorted(forms, key=len, reverse=True))
        """As it stands and written anew, the longest first."""

    @cached_property
    def _beginnings(self) -> frozenset[str]:
        return frozenset(form[:size] for form in self.forms for size in range(1, len(form)))

    @cached_property
    def _units(self) -> list[str]:
        return _UNIT.findall(self.value)

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        return re.compile("".join(_escaped(unit).pattern for unit in self._units))

    def replaced(self, text: str, by: str) -> str:
        """The text with `by` wherever the secret stood, whole."""
        for form in self.forms:
            if form in text:
                text = text.replace(form, by)
        if _ESCAPES.search(text):
            text = self._whole.sub(
                lambda found: by if len(found.group()) >= SHORTEST_FORM else found.group(), text
            )
        return text

    def begun(self, text: str) -> int:
        """How many characters at the end of a text may be the beginning of the secret."""
        sizes = range(min(len(self.forms[0]) - 1, len(text)), 0, -1)
        longest = next((size for size in sizes if text[-size:] in self._beginnings), 0)
        tail = text[-_LONGEST * len(self.value) :]
        if _ESCAPES.search(tail):
            first = {self.value[0], *_MARKS}
            for at, char in enumerate(tail[: len(tail) - longest]):
                if char in first and self._begins(tail, at):
                    return len(tail) - at
        return longest

    def _begins(self, text: str, at: int) -> bool:
        """Whether what stands from there to the end may go on to be the secret, escaped."""
        for unit in self._units:
            unfinished = _UNFINISHED_UNIT if unit[0] == "\\" else _UNFINISHED
            if unfinished.fullmatch(text, at):
                return True
            found = _escaped(unit).match(text, at)
            if found is None:
                return at == len(text)
            at = found.end()
        return False


@cache
def _escaped(unit: str) -> re.Pattern[str]:
    """A character: as it stands, or escaped in any way; with the backslashes before it.

    An atomic group: whatever stands there is read in one way only, so that texts which nearly are
    the secret take no longer than others.
    """
    char = unit.lstrip("\\")
    slashes = len(unit) - len(char)
    before = rf"(?:\\{{{slashes},{_SLASHES * slashes}}}|{slashes * _ways(chr(92))})"
    return re.compile(f"(?>{before if slashes else ''}{_ways(char) if char else ''})")


def _ways(char: str) -> str:
    """A pattern for one character, escaped or not."""
    import html
    from html.entities import codepoint2name

    code = ord(char)
    octets = "".join(f"%(?:25)?{octet:02x}" for octet in char.encode("utf-8", "surrogatepass"))
    units = char.encode("utf-16-be", "surrogatepass").hex()
    pairs = "".join(rf"{_RUN}u{units[at : at + 4]}" for at in range(0, len(units), 4))
    after = [f"U{code:08x}", f"x{code:02x}" if code < 256 else "", _LETTERS.get(char, "")]
    after += [char] if char in "\"'/`" else []
    named = {html.escape(char), f"&{codepoint2name.get(code, '')};"} - {char, "&;"}
    ways = [
        octets,
        pairs,
        f"{_RUN}(?:{'|'.join(filter(None, after))})",
        f"&#(?:0*{code}|x0*{code:x});",
        *map(re.escape, sorted(named)),
    ]
    return f"(?:(?i:{'|'.join(ways)})|{'[ +]' if char == ' ' else re.escape(char)})"


def _in_base64(raw: bytes) -> Iterable[str]:
    import base64

    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield from _anew(raw, encode, bits=6)


def _in_base32(raw: bytes) -> Iterable[str]:
    import base64

    for form in _anew(raw, base64.b32encode, bits=5):
        yield from (form, form.lower())


def _anew(raw: bytes, encode: Callable[[bytes], bytes], bits: int) -> Iterable[str]:
    """A text in an alphabet whose letters hold so many bits, at each offset that it may begin at.

    Of each, the part that does not depend on what stands before and behind, so that `user:key` in
    a header is found, too; and once with the letter in which a text that ends there ends.
    """
    for offset in range(math.lcm(8, bits) // 8):
        first = -(offset * 8 // -bits)  # letters that the bytes before have a part in
        whole = (offset + len(raw)) * 8 // bits
        letters = encode(b"\0" * offset + raw).decode("ascii").rstrip("=")
        yield letters[first:]
        yield letters[first:whole]
