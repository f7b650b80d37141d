"""What lies beside the output of a batch: its manifest, the rows that failed, and its folder."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from pathlib import Path

from patchbay.nodes.database_address import database_file
from patchbay.nodes.home import home


def side_file(output: str, what: str) -> Path:
    """A file beside the output, such as `labels.manifest.json`."""
    if "://" in output:
        from patchbay.flows.batch.databases import folder_of

        return folder_of(output) / f"{output.rpartition('#')[2]}.{what}"
    path = Path(output)
    return path.with_name(f"{path.stem}.{what}")


def spool_folder(output: str) -> Path | None:
    """Where a batch is kept: at home where the output is a database; None for beside it."""
    if "://" not in output:
        return None
    from patchbay.flows.batch.databases import whole_address

    known = whole_address(output)
    return home() / "batches" / hashlib.sha256(known.encode()).hexdigest()[:16]


def move_file(path: Path, to: Path) -> None:
    """Have a file there, whole or not at all, also where that is another file system."""
    try:
        path.replace(to)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        half = to.with_name(f".{to.name}.half")
        try:
            shutil.copyfile(path, half)
            half.replace(to)
        finally:
            half.unlink(missing_ok=True)


def standing_in_the_way(output: str) -> str:
    """What is there already and would be written over, in a sentence; "" for nothing."""
    if "://" in output:
        from patchbay.flows.batch.databases import has_table, split_table, without_password

        if has_table(output):
            base, table = split_table(without_password(output))
            return f'The table "{table}" is in {base} already.'
    elif Path(output).exists():
        return f"{output} is there already."
    manifest = side_file(output, "manifest.json")
    if other := _other_output(manifest, output):
        return f"{manifest.name} is there already, and belongs to {other}."
    return ""


def _other_output(manifest: Path, output: str) -> str:
    """The other output that a manifest speaks of, if that is still there. Of a server's database
    that is not known here."""
    try:
        said = str(json.loads(manifest.read_text(encoding="utf-8"))["output"]["file"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if "://" not in said:
        name = Path(said).name
        same = "://" not in output and name == Path(output).name
        return name if not same and manifest.with_name(name).exists() else ""
    from patchbay.flows.batch.databases import split_table, whole_address, without_password

    if "://" in output and whole_address(said) == without_password(whole_address(output)):
        return ""
    file = database_file(split_table(said)[0])
    return said if not file or manifest.with_name(Path(file).name).exists() else ""
