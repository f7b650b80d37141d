"""JSON Pointer: the examples of RFC 6901, section 5, and what is not there."""

import pytest

from patchbay.nodes.logic.pointer import MISSING, look_up, tokens

DOCUMENT = {
    "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5,
    'k"l': 6, " ": 7, "m~n": 8,
}  # fmt: skip


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1),
        ("/c%d", 2), ("/e^f", 3), ("/g|h", 4), ("/i\\j", 5), ('/k"l', 6), ("/ ", 7), ("/m~0n", 8),
    ],
)  # fmt: skip
def test_the_examples_of_the_rfc(pointer, value):
    assert look_up(DOCUMENT, pointer) == value


@pytest.mark.parametrize(
    "pointer", ["/x", "/foo/2", "/foo/-", "/foo/-1", "/foo/00", "/foo/0/x", "/foo/" + "9" * 30]
)
def test_nothing_there(pointer):
    assert look_up(DOCUMENT, pointer) is MISSING


@pytest.mark.parametrize("pointer", ["foo", "#/foo", "/a~2", "/a~"])
def test_not_a_pointer(pointer):
    with pytest.raises(ValueError, match="JSON pointer"):
        tokens(pointer)


def test_the_escape_of_a_tilde_is_undone_last():
    assert tokens("/~01") == ["~1"]
