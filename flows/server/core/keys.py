"""Who may call a server: keys, kept as hashes, each with what its holder may do.

The owner's key is made at the first start and stands in a file that only the owner can read, so
that examples can name the file instead of the key. Keys of other callers stand in a file of the
owner's, one table a caller; it may be changed while the server runs:

    [ada]
    sha256 = "…"                 # written by `patchbay serve --new-key ada`
    flows = ["ask", "chat"]      # all of them where this is left out
    requests_a_minute = 60
    requests_a_day = 1000
    tokens_a_day = 200000
    seconds_a_day = 3600
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import time
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.toml_tables import without_table
from patchbay.flows.wording import printable
from patchbay.nodes.file_stamp import file_stamp
from patchbay.nodes.home import home
from patchbay.nodes.private import private_file, private_folder

_FIELDS = ("requests_a_minute", "requests_a_day", "tokens_a_day", "seconds_a_day")
_LOOK_EVERY_S = 1.0
log = logging.getLogger("patchbay.serve")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is, and what that one may do. None: without limit."""

    name: str
    flows: frozenset[str] | None = None
    requests_a_minute: int | None = None
    requests_a_day: int | None = None
    tokens_a_day: int | None = None
    seconds_a_day: int | None = None

    @property
    def person(self) -> str:
        """Whose threads are this caller's: "" for those of the owner."""
        return "" if self == OWNER else self.name

    def may(self, flow: str) -> bool:
        """Whether the caller may use a flow."""
        return self.flows is None or flow in self.flows


OWNER = Caller("owner")
ANYONE = Caller("anyone")


class Keys:
    """The keys that a server takes.

    Args:
        owner: the owner's key; None takes requests without a key.
        file: the keys of others, if there are any.

    Raises:
        FlowError: the file is no such file.
    """

    def __init__(self, owner: str | None, file: Path | None = None) -> None:
        self._open = owner is None and file is None
        self._owner = None if owner is None else digest(owner)
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._looked = 0.0
        self._others: dict[str, Caller] = {}
        if file is not None:
            self._others, self._stamp = read(file), file_stamp(file)

    @property
    def needed(self) -> bool:
        """Whether a request needs a key."""
        return not self._open

    def naming(self, flows: Collection[str]) -> Iterator[tuple[Caller, str]]:
        """The callers whose keys name a flow that is none of these, with its name."""
        for caller in self._others.values():
            yield from ((caller, flow) for flow in sorted((caller.flows or set()) - {*flows}))

    def caller(self, key: str) -> Caller | None:
        """Whose key it is; None for nobody's. Looked up by hash, so that no time tells of it."""
        if self._open:
            return ANYONE
        if not key:
            return None
        self._look()
        hashed = digest(key)
        if self._owner is not None and hashed == self._owner:
            return OWNER
        return self._others.get(hashed)

    def _look(self) -> None:
        """Take in what was changed in the file. One that cannot be read changes nothing."""
        now = time.monotonic()
        if self._file is None or now - self._looked < _LOOK_EVERY_S:
            return
        self._looked = now
        stamp = file_stamp(self._file)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._others = read(self._file)
            except FlowError as error:  # a key that was to end with this change has not ended
                log.warning("%s The keys of before go on being taken.", error)


def digest(key: str) -> str:
    """What is kept of a key. Keys are random and long, so that a fast hash keeps them."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def new_key() -> str:
    """A key that nobody guesses: 256 bits."""
    return f"pb_{secrets.token_urlsafe(32)}"


def owner_file() -> Path:
    """Where the owner's key stands."""
    return home() / "serve-key"


def owner_key() -> str:
    """The owner's key; made at the first start, readable by its owner only.

    Raises:
        OSError: it can be neither read nor made.
    """
    return _kept(owner_file(), new_key)


def signing_key() -> bytes:
    """What this machine signs ids and addresses of runs with; made once, and kept."""
    return _kept(home() / "serve-secret", lambda: secrets.token_hex(32)).encode()


def _kept(path: Path, make: Any) -> str:
    private_folder(path.parent)
    with contextlib.suppress(FileNotFoundError):
        if os.name == "posix":
            path.chmod(0o600)
        if found := path.read_text(encoding="utf-8").strip():
            return found
    made = str(make())
    private_file(path).write_text(made + "\n", encoding="utf-8")
    return made


def read(file: Path) -> dict[str, Caller]:
    """The callers of a file, by the hash of their keys.

    Raises:
        FlowError: it cannot be read, or something in it is not as it should be.
    """
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(file, f"It cannot be read: {error}.") from None
    found: dict[str, Caller] = {}
    for name, table in tables.items():
        caller, hashed = _caller(file, name, table)
        if hashed in found:
            raise _wrong(file, f'"{found[hashed].name}" and "{name}" have the same key.')
        found[hashed] = caller
    return found


def _caller(file: Path, name: str, table: Any) -> tuple[Caller, str]:
    if not isinstance(table, dict) or len(str(table.get("sha256", ""))) != 64:
        raise _wrong(file, f'"{printable(name)}" needs a sha256 of 64 signs.')
    if name in ("", OWNER.name, ANYONE.name):  # "" is whose threads are the owner's
        raise _wrong(file, f'No caller may be called "{name}".')
    if unknown := sorted(table.keys() - {"sha256", "flows", *_FIELDS}):
        known = ", ".join(("flows", *_FIELDS))
        raise _wrong(file, f'"{name}" has an unknown "{unknown[0]}"; there are: {known}.')
    flows = table.get("flows")
    if flows is not None and not (isinstance(flows, list) and all(map(_is_text, flows))):
        raise _wrong(file, f'The flows of "{name}" are a list of names.')
    limits = {}
    for field in _FIELDS:
        value = table.get(field)
        whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        if value is not None and not whole:
            raise _wrong(file, f'"{field}" of "{name}" is a whole number, 0 or more.')
        limits[field] = value
    allowed = None if flows is None else frozenset(flows)
    return Caller(name, allowed, **limits), str(table["sha256"]).lower()


def add(file: Path, name: str, may: str = "") -> str:
    """Give a caller a key, and return it; only its hash is kept. A former one ends.

    Args:
        file: the file of keys.
        name: the caller's.
        may: lines that say what a caller who is new may do; those of one who is there stay.

    Raises:
        FlowError: the name cannot be one, or the file cannot be read.
        OSError: it cannot be written.
    """
    from patchbay.nodes.atomic import write_atomic

    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise _wrong(file, f'"{printable(name)}": a name has letters, digits, - and _ only.')
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    key = new_key()
    line = f'sha256 = "{digest(key)}"'
    head = f"[{name}]"
    if head in before.splitlines():
        start = before.index(head)
        end = before.find("\n[", start)
        part = before[start:] if end < 0 else before[start:end]
        kept = [old for old in part.splitlines()[1:] if not old.strip().startswith("sha256")]
        rest = "" if end < 0 else before[end:]
        text = before[:start] + "\n".join([head, line, *kept]).rstrip() + "\n" + rest
    else:
        text = f"{before.rstrip()}\n\n{head}\n{line}\n{may}".strip() + "\n"
    private_file(file)
    write_atomic(file, text)
    read(file)
    return key


def remove(file: Path, name: str) -> None:
    """End the key of a caller, and what is said of it; the others stay. None of it: nothing.

    Raises:
        OSError: the file cannot be read or written.
    """
    from patchbay.nodes.atomic import write_atomic

    if not file.exists():
        return
    before = file.read_text(encoding="utf-8")
    kept = without_table(before, name)
    if kept != before:
        private_file(file)
        write_atomic(file, kept)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _wrong(file: Path, why: str) -> FlowError:
    fix = "Write a key into it with: patchbay serve --new-key NAME --key-from FILE"
    return FlowError([Problem("serve/keys", f"The file of keys {file}: {why}", fix)])
