"""The triggers of a person: `triggers.toml` below the home folder, one table a trigger.

    [morning]
    flow = "/home/me/flows/report.json"    # or the name by which it is served
    schedule = "0 8 * * 1-5"               # cron words
    zone = "Europe/Copenhagen"
    missed = "say"                         # or "run": once, when a server is there again
    inputs = { topic = "bees" }

    [tickets]
    flow = "tickets"
    secret = "whsec_…"                     # or { secret = "NAME" }
    input = "event"                        # gets the whole body; else its fields are the inputs

They never stand in a flow: a flow from elsewhere starts nothing by itself.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.toml_tables import without_table
from patchbay.flows.triggers.schedule import Schedule
from patchbay.flows.triggers.signature import key_of, new_secret
from patchbay.flows.wording import did_you_mean, printable
from patchbay.nodes.home import home

FILE = "triggers.toml"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
_SCHEDULE = {"flow", "schedule", "zone", "missed", "inputs"}
_WEBHOOK = {"flow", "secret", "input", "inputs"}


@dataclass(frozen=True)
class Trigger:
    """What starts a flow: a `schedule`, or else a webhook whose messages are signed."""

    name: str
    flow: str
    schedule: Schedule | None = None
    missed: Literal["say", "run"] = "say"
    secret: str = ""
    """The secret of the webhook; "" where `secret_name` says which it is."""
    secret_name: str = ""
    input: str = ""
    """Which input gets the body of a message; "" for its fields by their names."""
    inputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path | None:
        """The file of the flow, where it is named by its file."""
        given = self.flow
        named = given.endswith(".json") or "/" in given or "\\" in given
        return Path(given).expanduser() if named else None

    def is_for(self, name: str, path: Path) -> bool:
        """Whether it starts the flow that is served by this name, from this file."""
        own = self.path
        return own.resolve() == path if own is not None else self.flow == name

    @property
    def key(self) -> str:
        """By what its claims are kept: a schedule that says another time begins anew."""
        if self.schedule is None:
            return self.name
        when = f"{self.schedule.words} {self.schedule.zone}".encode()
        return f"{self.name} {hashlib.sha256(when).hexdigest()[:8]}"

    def as_dict(self) -> dict[str, Any]:
        """The plain form, without its secret; when it is due next."""
        told: dict[str, Any] = {"name": self.name, "flow": self.flow}
        if self.schedule is None:
            return {**told, "webhook": f"/triggers/{self.name}"}
        coming = self.schedule.after(datetime.now(UTC), 1)
        told |= {"schedule": self.schedule.words, "zone": self.schedule.zone}
        return {**told, "next": coming[0].isoformat() if coming else None}

    def words(self) -> str:
        """When it starts its flow."""
        if self.schedule is None:
            return "webhook"
        return f"{self.schedule.words} ({self.schedule.zone})"


def triggers_file() -> Path:
    """Where triggers stand."""
    return home() / FILE


def read_triggers(file: Path | None = None) -> dict[str, Trigger]:
    """All triggers by name; none where there is no file.

    Raises:
        FlowError: the file cannot be read, or something in it is not as it should be.
    """
    path = file or triggers_file()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _wrong(path, f"It cannot be read: {error}.", "Correct it.") from None
    return {name: _trigger(path, name, table) for name, table in tables.items()}


def _trigger(file: Path, name: str, table: Any) -> Trigger:
    if not isinstance(table, dict) or not _NAME.fullmatch(name):
        fix = "A trigger is a table, whose name has letters, digits, - and _ only."
        raise _wrong(file, f'"{printable(name)[:60]}" is no trigger.', fix)
    scheduled = "schedule" in table
    known = _SCHEDULE if scheduled else _WEBHOOK
    if others := sorted(table.keys() - known):
        kind = "a schedule" if scheduled else "a webhook"
        words = f"{name}: {kind} has no {others[0]}."
        raise _wrong(file, words, did_you_mean(others[0], sorted(known), ""))
    if not scheduled and "secret" not in table:
        raise _wrong(file, f"{name}: it has neither schedule nor secret.", "Give it one of them.")
    for word in ("flow", "schedule", "zone", "input"):
        if not isinstance(table.get(word, "-"), str) or (word == "flow" and not table.get(word)):
            raise _wrong(file, f'{name}: "{word}" is a text.', "Correct it.")
    inputs = table.get("inputs", {})
    if not isinstance(inputs, dict):
        raise _wrong(file, f"{name}: inputs are a table.", 'Write { question = "…" }.')
    given = {"name": name, "flow": table["flow"], "inputs": inputs}
    if scheduled:
        missed = table.get("missed", "say")
        if missed not in ("say", "run"):
            raise _wrong(file, f'{name}: missed is "say" or "run".', "Choose one of them.")
        when = Schedule(table["schedule"], table.get("zone", "UTC"))
        return Trigger(**given, schedule=when, missed=missed)
    secret, secret_name = _secret(file, name, table["secret"])
    body = table.get("input", "")
    return Trigger(**given, input=body, secret=secret, secret_name=secret_name)


def _secret(file: Path, name: str, said: Any) -> tuple[str, str]:
    """The secret itself, or the name of the one that is meant."""
    if isinstance(said, dict) and said.keys() == {"secret"} and isinstance(said["secret"], str):
        return "", said["secret"]
    try:
        key_of(said if isinstance(said, str) else "")
    except ValueError as error:
        fix = '`patchbay triggers add` makes one; or name a secret: { secret = "NAME" }.'
        raise _wrong(file, f"{name}: its secret is none: {error}.", fix) from None
    return str(said), ""


def add_trigger(
    name: str,
    flow: str,
    *,
    schedule: str = "",
    zone: str = "UTC",
    missed: str = "say",
    input: str = "",
    inputs: Mapping[str, Any] | None = None,
    file: Path | None = None,
) -> Trigger:
    """Write a trigger down: one with a schedule, else a webhook with a secret of its own.

    Raises:
        FlowError: there is one of that name, or something is not as it should be.
        OSError: the file cannot be written.
    """
    path = file or triggers_file()
    if not _NAME.fullmatch(name):
        fix = "A name has letters, digits, - and _ only."
        raise _wrong(path, f'"{printable(name)[:60]}" is no name.', fix)
    if name in read_triggers(path):
        fix = f"Choose another name, or first: patchbay triggers remove {name}"
        raise _wrong(path, f'There is a trigger "{name}" already.', fix)
    lines = {"flow": flow}
    if schedule:
        Schedule(schedule, zone)
        lines |= {"schedule": schedule, "zone": zone, "missed": missed}
    else:
        lines["secret"] = new_secret()
        lines |= {"input": input} if input else {}
    text = "\n".join(f"{word} = {_toml(value)}" for word, value in lines.items())
    if inputs:
        text += f"\ninputs = {_toml(dict(inputs))}"
    before = _text(path).rstrip()
    _write(path, f"{before}\n\n[{name}]\n{text}\n".lstrip())
    return read_triggers(path)[name]


def remove_trigger(name: str, file: Path | None = None) -> None:
    """Take a trigger out of the file; what stands beside it stays as it is.

    Raises:
        FlowError: there is none, or its table is not where it can be found.
        OSError: the file cannot be written.
    """
    path = file or triggers_file()
    one_of(read_triggers(path), name)
    kept = without_table(_text(path), name)
    if name in tomllib.loads(kept):
        raise _wrong(path, f"{name} is written in a way of its own.", "Delete it by hand.")
    _write(path, kept)


def one_of(triggers: Mapping[str, Trigger], name: str) -> Trigger:
    """A trigger by its name.

    Raises:
        FlowError: there is none.
    """
    if name not in triggers:
        fix = did_you_mean(name, list(triggers), "patchbay triggers lists them.")
        raise FlowError([Problem("trigger/unknown", f'There is no trigger "{name[:60]}".', fix)])
    return triggers[name]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig") if path.exists() else ""


def _write(path: Path, text: str) -> None:
    from patchbay.nodes.atomic import write_atomic
    from patchbay.nodes.private import private_file, private_folder

    private_folder(path.parent)
    private_file(path)
    write_atomic(path, text)
    path.chmod(0o600)


def _toml(value: Any) -> str:
    """A value as TOML: JSON's words, but for objects; a text of JSON is one of TOML."""
    import json

    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_toml(str(k))} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if value is None:
        problem = Problem("trigger/file", "An input cannot be null there.", "Leave it out.")
        raise FlowError([problem])
    return json.dumps(value, ensure_ascii=True)


def _wrong(file: Path, what: str, fix: str) -> FlowError:
    return FlowError([Problem("trigger/file", f"{file.name}: {what}", fix)])
