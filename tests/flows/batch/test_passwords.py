"""The password of a database is written down nowhere, and asked for when it is needed again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from patchbay.flows.batch.api import replay
from patchbay.flows.batch.databases import PASSWORD, engine_of, with_password, without_password
from patchbay.flows.batch.manifest import BatchSettings, make_manifest
from patchbay.flows.batch.spool import Spool
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.prepared import PreparedFlow
from patchbay.flows.runs.secrets import Secrets
from tests.flows.batch.kit import json_table, over, shouting
from tests.flows.runs.harness import environment

ADDRESSES = [
    ("postgresql://ann:s3cr3t@host/db#t", "postgresql://ann:***@host/db#t"),
    ("mysql+pymysql://ann:s3cr3t@host:3306/db", "mysql+pymysql://ann:***@host:3306/db"),
    ("postgresql:///db?user=ann&password=s3cr3t", "postgresql:///db?password=***&user=ann"),
    ("postgresql://ann:s3cr3t@host:no/db", "postgresql://***@host:no/db"),
    ("postgresql://ann@host/db", "postgresql://ann@host/db"),
    ("sqlite:///file.db#t", "sqlite:///file.db#t"),
    ("rows.csv", "rows.csv"),
]


@pytest.mark.parametrize(("address", "shown"), ADDRESSES)
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    said = without_password(address).replace("user=ann&password=***", "password=***&user=ann")
    assert said == shown


@pytest.mark.parametrize("at", [0, 1, 2])
def test_the_password_comes_from_a_secret_or_is_missed(at: int) -> None:
    address, _ = ADDRESSES[at]
    hidden = without_password(address)
    secrets = Secrets(env={PASSWORD: "s3cr3t"}, files=())
    assert sorted(with_password(hidden, secrets)) == sorted(address)
    with pytest.raises(FlowError, match=PASSWORD):
        with_password(hidden, Secrets(env={}, files=()))


@pytest.mark.parametrize("address", ["rows.csv", "sqlite:///file.db#t", "postgresql://ann@host/db"])
def test_what_had_none_needs_none(address: str) -> None:
    assert with_password(address, Secrets(env={}, files=())) == address


def test_a_manifest_and_messages_hold_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = BatchSettings("postgresql://ann:s3cr3t@host/db#t")
    made = make_manifest(PreparedFlow(shouting(), environment()).prepared, settings, None)
    assert "s3cr3t" not in json.dumps(made)
    output = "sqlite://ann:s3cr3t@host/x#t"
    spool = Spool(output, tmp_path / "kept")
    with pytest.raises(FlowError) as refused:
        Spool(output, tmp_path / "kept")
    assert "ann:***@host" in str(refused.value)
    spool.close()
    with pytest.raises(FlowError) as refused:
        engine_of("postgresql://ann:s3cr3t@host:no/db")
    assert "s3cr3t" not in str(refused.value)
    monkeypatch.delenv(PASSWORD, raising=False)
    made["output"] = {"file": "gone.jsonl", "sha256": "0", "rows": 0, "failed": 0}
    (tmp_path / "m.json").write_text(json.dumps(made), encoding="utf-8")
    with pytest.raises(FlowError, match=PASSWORD):
        replay(tmp_path / "m.json", tmp_path / "again.jsonl")


async def test_an_output_with_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    rows = json_table(tmp_path / "a.jsonl", [{"review": "a"}])
    output = f"sqlite:///{tmp_path / 'o.db'}?password=s3cr3t#labels"
    monkeypatch.setattr("patchbay.flows.batch.api.check_output", lambda _: None)
    monkeypatch.setattr("patchbay.flows.batch.api.write_output", lambda *_: None)
    result = await over(shouting(), rows, output)
    assert "s3cr3t" not in json.dumps(dataclasses.asdict(result), default=str)
    kept = (tmp_path / "labels.manifest.json").read_text(encoding="utf-8")
    assert "s3cr3t" not in kept
    assert "password=***" in kept
