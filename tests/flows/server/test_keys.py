"""Keys of others: kept as hashes, rotated, with rights and budgets."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.problems import FlowError
from patchbay.flows.server.core.budgets import DAY, Budgets
from patchbay.flows.server.core.keys import ANYONE, OWNER, Caller, Keys, add, owner_key, read
from patchbay.flows.server.core.refusals import RefusedError
from tests.flows.server.flows import write
from tests.flows.server.serving import KEY, code, serving


def test_keys_are_kept_as_hashes_and_rotate(tmp_path: Path):
    file = tmp_path / "keys.toml"
    first, other = add(file, "ada"), add(file, "bob")
    file.write_text(file.read_text().replace("[bob]", '[bob]\nflows = ["ask"]'))
    assert first not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    keys = Keys(None, file)
    assert keys.caller(first) == Caller("ada")
    assert keys.caller(other) == Caller("bob", frozenset({"ask"}))
    assert keys.caller("") is None
    second = add(file, "bob")
    keys._looked = 0.0
    assert keys.caller(other) is None
    assert keys.caller(second) == Caller("bob", frozenset({"ask"}))
    assert keys.caller(first) == Caller("ada")


def test_a_file_that_breaks_meanwhile_changes_nothing(tmp_path: Path):
    file = tmp_path / "keys.toml"
    key = add(file, "ada")
    keys = Keys("of the owner", file)
    file.write_text("[ada\n")
    keys._looked = 0.0
    assert keys.caller(key) == Caller("ada")
    assert keys.caller("of the owner") == OWNER


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[ada]\n", "sha256"),
        ("[ada]\nsha256 = 'short'", "sha256"),
        ("ada = 3", "sha256"),
        (f"[ada]\nsha256 = '{'a' * 64}'\nflow = ['x']", '"flow"'),
        (f"[ada]\nsha256 = '{'a' * 64}'\nflows = 'x'", "list"),
        (f"[ada]\nsha256 = '{'a' * 64}'\ntokens_a_day = 'x'", "whole number"),
        (f"[ada]\nsha256 = '{'a' * 64}'\nrequests_a_day = -1", "0 or more"),
        (f"[owner]\nsha256 = '{'a' * 64}'", "owner"),
        (f"[a]\nsha256 = '{'a' * 64}'\n[b]\nsha256 = '{'a' * 64}'", "same key"),
        ("not toml", "cannot be read"),
    ],
)
def test_bad_files_of_keys(tmp_path: Path, text, says):
    file = tmp_path / "keys.toml"
    file.write_text(text)
    with pytest.raises(FlowError, match=says):
        read(file)


def test_the_owners_key_is_made_once_and_private(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    made = owner_key()
    assert len(made) > 40
    assert owner_key() == made
    file = tmp_path / "home" / "serve-key"
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    assert owner_key() == made
    assert file.stat().st_mode & 0o777 == 0o600


def test_without_keys_anybody_may(tmp_path: Path):
    assert Keys(None).caller("") == ANYONE
    assert not Keys(None).needed


def test_callers_see_their_own_only(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    file = tmp_path / "keys.toml"
    ada, bob = add(file, "ada"), add(file, "bob")
    file.write_text(file.read_text().replace("[bob]", '[bob]\nflows = ["shout"]'))
    folder = write(tmp_path / "flows", "shout", "chat", "approve")
    with serving(folder, keys=Keys(KEY, file)) as served:
        run = served.http.post
        as_ada, as_bob = ({"authorization": f"Bearer {key}"} for key in (ada, bob))
        begun = run("/flows/approve/run", json={"mail": "x"}, headers=as_ada).json()
        for headers in (as_bob, None):
            for address in ("", "/events"):
                answer = served.http.get(f"/runs/{begun['run']}{address}", headers=headers)
                assert code(answer) == (404, "history/unknown-run")
            for address in ("cancel", "answer", "resume"):
                where = f"/runs/{begun['run']}/{address}"
                assert run(where, json={"approve": True}, headers=headers).status_code == 404
        assert run(begun["answer_at"], json={"approve": True}, headers=as_ada).status_code == 200
        said = {"conversation": "Hi", "thread": "t"}
        assert run("/flows/chat/run", json=said, headers=as_ada).status_code == 200
        assert code(run("/flows/chat/run", json=said)) == (409, "thread/exists")
        assert served.http.get("/threads/t").status_code == 404
        assert served.http.get("/threads").json()["threads"] == []
        assert code(run("/flows/chat/run", json=said, headers=as_bob)) == (
            404,
            "serve/unknown-flow",
        )
        names = [f["name"] for f in served.http.get("/flows", headers=as_bob).json()["flows"]]
        assert names == ["shout"]
        paths = served.http.get("/openapi.json", headers=as_bob).json()["paths"]
        assert [path for path in paths if path.startswith("/flows/")] == ["/flows/shout/run"]


def test_budgets_slide():
    now = [1000.0]
    meter = Budgets(lambda: now[0])
    ada = Caller("ada", requests_a_minute=2, tokens_a_day=10)
    meter.begin(ada)
    meter.begin(ada)
    with pytest.raises(RefusedError, match="2 requests a minute") as refused:
        meter.begin(ada)
    assert (refused.value.status, refused.value.retry_s) == (429, 60)
    now[0] += 61
    meter.begin(ada)
    meter.spent(ada, 10, 0.5)
    with pytest.raises(RefusedError, match="10 tokens a day"):
        meter.begin(ada)
    now[0] += DAY + 1
    meter.begin(ada)
    for _ in range(20):  # others have no part in it
        meter.begin(Caller("bob"))


def test_a_budget_over_http(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    file = tmp_path / "keys.toml"
    headers = {"authorization": f"Bearer {add(file, 'ada')}"}
    file.write_text(file.read_text() + "tokens_a_day = 5\n")
    with serving(write(tmp_path / "flows", "words"), keys=Keys(KEY, file)) as served:
        body = {"question": "a b c"}
        assert served.run("words", body, headers=headers).json()["tokens"]["completion"] == 3
        answer = served.run("words", body, headers=headers)
        assert code(answer) == (429, "serve/budget")
        assert int(answer.headers["retry-after"]) > 3600
        assert served.run("words", body).status_code == 200
