"""The rows that stand in the pages of a SQLite file, found without its list of tables.

Where the first page is destroyed, or one that leads to others, SQL finds nothing behind it. The
leaves of tables tell themselves what they are: each row says its length, its number and the types
of its values (https://www.sqlite.org/fileformat2.html, "B-tree Pages" and "Record Format").
SQLite's own command `.recover` goes the same way; Python's library lacks it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

_MAGIC = b"SQLite format 3\0"
_LOG_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
_LEAF = 13
"""The first byte of a page that holds rows of a table."""
_USUAL = 4096
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Serial type → bytes of an integer."""

RowInPage = tuple[int, list[object]]
"""A row's number, and its values: None, int, float, str or bytes."""


class Pages:
    """The pages of a file, as its log has changed them.

    Args:
        path: the file; its log lies beside it, as `path-wal`, where there is one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        log = Path(f"{path}-wal")
        header = _log_header(log)
        self.size = _size(path, header)
        self._changed = dict(_committed(log, header, self.size)) if header else {}
        self._count = -(-path.stat().st_size // self.size)

    def page(self, number: int) -> bytes:
        """One page by its number, from 1 on; b"" where there is none."""
        if number in self._changed:
            return self._changed[number]
        with self._path.open("rb") as file:
            file.seek((number - 1) * self.size)
            return file.read(self.size)

    def rows(self) -> Iterator[RowInPage | None]:
        """The rows of all tables; None for each that cannot be read."""
        for number in (*range(1, self._count + 1), *(n for n in self._changed if n > self._count)):
            page = self.page(number)
            start = 100 if number == 1 and page.startswith(_MAGIC) else 0
            if len(page) == self.size and page[start] == _LEAF:
                yield from self._of_leaf(page, start)

    def _of_leaf(self, page: bytes, start: int) -> Iterator[RowInPage | None]:
        cells = int.from_bytes(page[start + 3 : start + 5], "big")
        if start + 8 + 2 * cells > len(page):
            return  # it only begins like a leaf
        for at in struct.unpack_from(f">{cells}H", page, start + 8):
            try:
                yield self._row(page, at)
            except (IndexError, ValueError, struct.error):
                yield None

    def _row(self, page: bytes, at: int) -> RowInPage:
        length, at = _varint(page, at)
        number, at = _varint(page, at)
        return number, _values(self._payload(page, at, length))

    def _payload(self, page: bytes, at: int, length: int) -> bytes:
        """The bytes of a row: what lies in its page, and what flowed over into others."""
        most = self.size - 35
        if length <= most:
            return _exactly(page[at : at + length], length)
        if length > (self._count + len(self._changed)) * self.size:
            raise ValueError("longer than the file")  # else pages that go round would fill memory
        least = (self.size - 12) * 32 // 255 - 23
        here = least + (length - least) % (self.size - 4)
        here = here if here <= most else least
        parts = [_exactly(page[at : at + here], here)]
        following = int.from_bytes(page[at + here : at + here + 4], "big")
        left = length - here
        while left > 0:
            page = self.page(following) if following else b""
            part = page[4 : 4 + min(left, self.size - 4)]
            following = int.from_bytes(page[:4], "big")
            parts.append(_exactly(part, min(left, self.size - 4)))
            left -= len(part)
        return b"".join(parts)


def _log_header(log: Path) -> bytes:
    """How a log begins; b"" where there is none, or it is something else."""
    if not log.exists():
        return b""
    with log.open("rb") as file:
        header = file.read(32)
    return header if len(header) == 32 and header[:4] in _LOG_MAGIC else b""


def _size(path: Path, log: bytes) -> int:
    """Bytes of a page, by the file, its log, or else what SQLite takes unless it is told."""
    with path.open("rb") as file:
        start = file.read(18)
    if start.startswith(_MAGIC):
        found = int.from_bytes(start[16:18], "big")
    else:
        found = int.from_bytes(log[8:12], "big") if log else _USUAL
    size = 65_536 if found == 1 else found
    return size if 512 <= size <= 65_536 and size & (size - 1) == 0 else _USUAL


def _committed(log: Path, header: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    """The pages in a log, by number, as of its last commit. Frames of an earlier life of the log
    have another salt."""
    waiting: list[tuple[int, bytes]] = []
    with log.open("rb") as file:
        file.seek(32)
        while len(frame := file.read(24 + size)) == 24 + size and frame[8:16] == header[16:24]:
            waiting.append((int.from_bytes(frame[:4], "big"), frame[24:]))
            if frame[4:8] != b"\0\0\0\0":  # the last one of a commit
                yield from waiting
                waiting = []


def _exactly(part: bytes, length: int) -> bytes:
    if len(part) != length:
        raise ValueError("the row is cut off")
    return part


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for place in range(8):
        value = value << 7 | data[at + place] & 127
        if data[at + place] < 128:
            return value, at + place + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64) if value >> 63 else value, at + 9


def _values(record: bytes) -> list[object]:
    """The values of a record.

    Raises:
        ValueError: it is none.
    """
    end, at = _varint(record, 0)
    if not 0 < end <= len(record):
        raise ValueError("no record")
    types: list[int] = []
    while at < end:
        kind, at = _varint(record, at)
        types.append(kind)
    values: list[object] = []
    for kind in types:
        value, at = _value(record, kind, at)
        values.append(value)
    if at != len(record):
        raise ValueError("no record")
    return values


def _value(record: bytes, kind: int, at: int) -> tuple[object, int]:
    if kind in (0, 8, 9):
        return (None, 0, 1)[max(0, kind - 7)], at
    if kind in _INTEGERS or kind == 7:
        end = at + _INTEGERS.get(kind, 8)
        part = _exactly(record[at:end], end - at)
        if kind == 7:
            return float(struct.unpack(">d", part)[0]), end
        return int.from_bytes(part, "big", signed=True), end
    if kind < 12:
        raise ValueError("a type that SQLite keeps for itself")
    end = at + (kind - 12) // 2
    part = _exactly(record[at:end], end - at)
    return (part.decode("utf-8") if kind % 2 else part), end
