"""The forms that a secret takes in text, each made by what makes it in the world."""

from __future__ import annotations

import base64
import html
import json
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbay.flows.blackout import BLACKED, Blackout
from patchbay.flows.disguises import SHORTEST_FORM

KEY = 'sk-Ab3+oPq/rSt~uV "w*\\é😀(9)!'
RAW = KEY.encode()

WHOLE: dict[str, Callable[[str], str]] = {
    "as it stands": str,
    "in a URL": lambda key: urllib.parse.quote(key, safe=""),
    "in a URL, as browsers write it": lambda key: urllib.parse.quote(key, safe="!'()*~"),
    "in a form, as Java writes it": (
        lambda key: urllib.parse.quote_plus(key, safe="*").replace("~", "%7E")
    ),
    "in a URL, small letters": lambda key: "".join(f"%{byte:02x}" for byte in key.encode()),
    "in a URL in a URL": lambda key: urllib.parse.quote(urllib.parse.quote(key, safe=""), safe=""),
    "with one letter escaped that need not be": lambda key: key.replace("-", "%2D"),
    "in JSON": lambda key: json.dumps(key)[1:-1],
    "in JSON, letters as they are": lambda key: json.dumps(key, ensure_ascii=False)[1:-1],
    "in JSON, as PHP writes it": lambda key: json.dumps(key).replace("/", "\\/")[1:-1],
    "in JSON, as .NET writes it": lambda key: json.dumps(key).replace("+", "\\u002B")[1:-1],
    "in JSON in JSON": lambda key: json.dumps(json.dumps(key)[1:-1])[1:-1],
    "in JSON, each letter": lambda key: "".join(
        f"\\u{key.encode('utf-16-be')[at : at + 2].hex()}"
        for at in range(0, len(key.encode("utf-16-be")), 2)
    ),
    "in Python": lambda key: ascii(key)[1:-1],
    "in HTML": html.escape,
    "in HTML, by numbers": lambda key: "".join(f"&#{ord(char)};" for char in key),
    "in XML, by hexadecimal numbers": lambda key: "".join(f"&#x{ord(char):X};" for char in key),
    "in hex": lambda key: key.encode().hex(),
    "in large hex": lambda key: key.encode().hex().upper(),
    "in base64": lambda key: base64.b64encode(key.encode()).decode().rstrip("="),
    "in base64 for URLs": lambda key: base64.urlsafe_b64encode(key.encode()).decode().rstrip("="),
    "in base32": lambda key: base64.b32encode(key.encode()).decode().rstrip("="),
    "in small base32": lambda key: base64.b32encode(key.encode()).decode().rstrip("=").lower(),
}


def blackout(*values: str) -> Blackout:
    made = Blackout()
    for value in values:
        made.add(value)
    return made


@pytest.mark.parametrize("form", WHOLE)
def test_it_is_blacked_out_whole(form: str):
    assert blackout(KEY).text(f"<{WHOLE[form](KEY)}>") == f"<{BLACKED}>"


@pytest.mark.parametrize("form", WHOLE)
def test_it_is_blacked_out_of_pieces(form: str):
    """Letter by letter, as a stream brings it: nothing of it is let go before it is known."""
    out, waiting, filter_ = "", "", blackout(KEY)
    for letter in f"<{WHOLE[form](KEY)}>":
        waiting = filter_.text(waiting + letter)
        held = filter_.held_back(waiting)
        out, waiting = out + waiting[: len(waiting) - held], waiting[len(waiting) - held :]
    # The last letter of base64 and base32 holds the rest of the last byte: nobody's secret.
    left = (out + waiting).removeprefix(f"<{BLACKED}").removesuffix(">")
    assert len(left) <= ("base" in form)


@pytest.mark.parametrize("before", range(5))
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.b32encode])
def test_of_what_was_encoded_with_its_neighbours_no_letter_is_its_own(
    encode: Callable[[bytes], bytes], before: int
):
    bits = 5 if encode is base64.b32encode else 6
    text = encode(b"u" * before + RAW + b"\xff" * 6).decode()
    first, last = -(-before * 8 // bits), (before + len(RAW)) * 8 // bits
    assert blackout(KEY).text(text) == text[:first] + BLACKED + text[last:]


@pytest.mark.parametrize(
    "text",
    ["100%", "R&D", "1 + 1", "C:\\new", "a line\n", "&amp; so on", "50%25", "sk-", "%73%6b stays"],
)
def test_what_only_looks_escaped_stays(text: str):
    filter_ = blackout(KEY)
    assert filter_.text(text) == text
    assert filter_.held_back(text + " …") == 0


def test_short_ones_are_left_where_they_would_hit_words():
    filter_ = blackout("abc", "a b1")
    assert filter_.text("abc a+b1 a%20b1 a b1") == f"abc a+b1 a%20b1 {BLACKED}"
    assert len("a%20b1") < SHORTEST_FORM


def test_one_that_is_part_of_another():
    filter_ = blackout("secret-1", "secret-1-and-more")
    assert filter_.text("secret-1-and-more, secret-1") == f"{BLACKED}, {BLACKED}"
    assert filter_.text("secret%2D1%2Dand%2Dmore") == BLACKED


@given(st.text(min_size=SHORTEST_FORM, max_size=40), st.sampled_from(sorted(WHOLE)))
def test_any_secret_in_any_form(key: str, form: str):
    said = WHOLE[form](key)
    if len(said) >= SHORTEST_FORM:
        assert blackout(key).text(said) == BLACKED


@pytest.mark.parametrize("sign", ["%", "\\", '\\"', "&", "%25", "&amp;", "+ "])
def test_what_is_almost_a_secret_of_signs_is_read_in_one_way_only(sign: str):
    """A pattern that tried all ways would not come to an end here."""
    filter_ = blackout(sign * 40 + "!")
    text = f"{sign * 39}. " * 500
    assert filter_.text(text) == text
    assert filter_.held_back(text) == 0
    assert filter_.text(sign * 40 + "!") == BLACKED
