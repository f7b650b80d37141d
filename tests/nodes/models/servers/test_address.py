"""Addresses of servers: which are taken, and what is said about the others."""

from __future__ import annotations

import pytest

from patchbay.nodes.models.servers.address import (
    async_settings,
    check_address,
    client_settings,
    is_loopback,
)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
        (" https://api.example.com/v1/ ", "https://api.example.com/v1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://gpu07:30000/v1", "http://gpu07:30000/v1"),
    ],
)
def test_what_is_taken(given: str, taken: str) -> None:
    assert check_address(given) == taken


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("127.0.0.1:8080/v1", "must start with http://"),
        ("localhost:8080", "must start with http://"),
        ("ftp://host/v1", "must start with http://"),
        ("file:///etc/passwd", "must start with http://"),
        ("http:host", "must start with http://"),
        ("", "must start with http://"),
        ("http://", "must start with http://"),
        ("http:///v1", "names no host"),
        ("http://a b/v1", "names no host"),
        ("http://me:secret@host/v1", "must not hold a user or a password"),
        ("http://me@host/v1", "must not hold a user or a password"),
        ("http://host/v1?key=1", "leave out what follows"),
        ("http://host/v1#top", "leave out what follows"),
        ("http://host:99999/v1", "is no address"),
        ("http://[::1/v1", "is no address"),
    ],
)
def test_what_is_not(given: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_address(given)


@pytest.mark.parametrize(
    ("address", "stays"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://127.9.9.9", True),
        ("http://localhost:8080", True),
        ("http://[::1]:8080", True),
        ("http://192.168.0.7", False),
        ("http://127.0.0.1.example.com", False),
        ("https://localhost.example.com", False),
    ],
)
def test_what_stays_on_this_machine(address: str, stays: bool) -> None:
    assert is_loopback(address) is stays
    assert client_settings(address, 5)["trust_env"] is not stays


def test_no_client_follows_a_redirect() -> None:
    assert client_settings("https://api.example.com", 5)["follow_redirects"] is False


def test_no_connection_outlives_the_event_loop_that_made_it() -> None:
    assert async_settings()["limits"].max_keepalive_connections == 0
