"""What callers could take from others: slots, figures, budgets; and runs that get lost."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.server.core import live_runs, served_run, shelf
from patchbay.flows.server.core.keys import Keys, add
from patchbay.flows.server.core.settings import Settings
from patchbay.flows.server.core.slots import Slots
from tests.flows.runs.harness import flow
from tests.flows.server.flows import asks, gives, write
from tests.flows.server.serving import KEY, Served, code, serving
from tests.flows.server.test_runs import until

LONG = {"question": "a " * 4000}
"""Takes the flow `slow` minutes."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))


def status(served: Served, run: str) -> str:
    return str(served.http.get(f"/runs/{run}").json()["status"])


def behind(served: Served, name: str, body: dict, **more: str) -> str:
    return str(served.run(name, {**body, **more, "background": True}).json()["run"])


# --- slots ----------------------------------------------------------------------------------------


def test_who_waits_for_a_thread_holds_no_slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(served_run, "_THREAD_EVERY_S", 3600)  # else they look between two lines
    settings = Settings(at_once=2, queue=3)
    with serving(write(tmp_path / "flows", "slow", "shout"), settings) as served:
        first = behind(served, "slow", LONG, thread="t")
        until(lambda: status(served, first) == "running")
        others = [behind(served, "slow", {"question": "a"}, thread="t") for _ in range(3)]
        until(lambda: served.service.slots.aside == 3)
        assert served.run("shout", {"text": "a"}).json()["outputs"] == {"answer": "A"}
        assert code(served.run("slow", {"question": "a", "thread": "t"})) == (409, "thread/busy")
        assert status(served, first) == "running"
        assert served.http.post(f"/runs/{others[0]}/cancel").status_code == 200
        assert served.service.slots.aside == 2


def test_who_waits_for_a_thread_runs_when_it_is_free(tmp_path: Path):
    with serving(write(tmp_path / "flows", "slow"), Settings(at_once=2, queue=3)) as served:
        first = behind(served, "slow", LONG, thread="t")
        until(lambda: status(served, first) == "running")
        others = [behind(served, "slow", {"question": "a"}, thread="t") for _ in range(3)]
        until(lambda: served.service.slots.aside == 3)
        served.http.post(f"/runs/{first}/cancel")
        for other in others:
            until(lambda other=other: status(served, other) == "finished")
        slots = served.service.slots
        until(lambda: (slots.busy, slots.waiting, slots.aside) == (0, 0, 0))


async def test_who_waits_for_a_thread_may_go_on_waiting_though_more_have_come():
    slots = Slots(at_once=1, queue=1)
    early = slots.enter()
    assert early.aside_now()
    late = slots.enter()
    assert not late.aside_now(), "no more wait than wait in the queue"
    late.leave()
    early.back_now()  # to look whether the thread is free
    slots.enter()
    assert early.aside_now(), "the one that came meanwhile takes nothing from it"


def test_a_thread_that_waits_for_a_person_is_not_waited_for_for_ever(tmp_path: Path):
    settings = Settings(at_once=1)
    with serving(write(tmp_path / "flows", "approve"), settings) as served:
        waits = served.run("approve", {"mail": "x", "thread": "t"}).json()
        assert waits["status"] == "waiting"
        served.service.settings = replace(settings, timeout_s=1)
        assert code(served.run("approve", {"mail": "y", "thread": "t"})) == (409, "thread/busy")
        served.service.settings = settings
        until(lambda: (served.service.slots.busy, served.service.slots.aside) == (0, 0))
        done = served.http.post(waits["answer_at"], json={"approve": True})
        assert done.json()["outputs"] == {"sent": "x"}


def test_a_run_that_is_stopped_in_the_queue_is_recorded_as_stopped(tmp_path: Path):
    with serving(write(tmp_path / "flows", "slow"), Settings(at_once=1)) as served:
        first = behind(served, "slow", LONG)
        queued = behind(served, "slow", {"question": "a b"})
        assert served.http.post(f"/runs/{queued}/cancel").status_code == 200
        history = served.service.opened
        assert history is not None
        assert history.get(queued).status == "cancelled"
        assert served.http.post(f"/runs/{queued}/resume").status_code == 202
        assert served.http.post(f"/runs/{queued}/cancel").status_code == 200  # queued once more
        assert history.get(queued).status == "cancelled"
        served.http.post(f"/runs/{first}/cancel")
        assert served.http.post(f"/runs/{queued}/resume").status_code == 202
        until(lambda: history.get(queued).status == "finished")
        assert status(served, queued) == "finished"


# --- what is kept ---------------------------------------------------------------------------------


def test_a_question_falls_due_long_after_its_run_was_forgotten(tmp_path: Path):
    late = {"question": "Send it?", "within_hours": 0.0004, "when_late": "reject"}
    asking = flow(
        {
            "in": asks("mail"),
            "ok": ("people.approve", late),
            "s": gives("sent"),
            "k": gives("kept"),
        },
        ["in.value > ok.value", "ok.approved > s.value", "ok.rejected > k.value"],
    )
    folder = write(tmp_path / "flows", "shout")
    (folder / "late.json").write_text(canonical_text(asking), encoding="utf-8")
    with serving(folder, Settings(keep_s=0.05)) as served:
        run = served.run("late", {"mail": "x"}).json()["run"]
        until(lambda: run not in served.service.live)
        history = served.service.opened
        assert history is not None
        until(lambda: history.get(run).status == "finished")
        until(lambda: not served.service.woken.asleep)


def test_a_run_is_forgotten_though_somebody_still_read_it(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(live_runs, "_AGAIN_S", 0.05)
    with serving(write(tmp_path / "flows", "words"), Settings(keep_s=0.05)) as served:
        run = served.run("words", {"question": "a", "stream": True}).headers["x-run-id"]
        if live := served.service.live.get(run):
            live.readers += 1
            time.sleep(0.2)
            assert run in served.service.live
            live.readers -= 1
        until(lambda: run not in served.service.live and not served.service.live.ended)


# --- what others see and use ----------------------------------------------------------------------


def test_figures_and_broken_files_of_other_flows_are_not_told(tmp_path: Path):
    file = tmp_path / "keys.toml"
    headers = {"authorization": f"Bearer {add(file, 'bob')}"}
    file.write_text(file.read_text() + 'flows = ["shout"]\n')
    folder = write(tmp_path / "flows", "shout", "words")
    (folder / "secret-plan.json").write_text("{", encoding="utf-8")
    with serving(folder, keys=Keys(KEY, file)) as served:
        served.run("words", {"question": "a"})
        served.run("shout", {"text": "a"}, headers=headers)
        for path in ("/metrics", "/flows", "/openapi.json", "/v1/models"):
            mine, all_ = served.http.get(path, headers=headers).text, served.http.get(path).text
            assert "words" not in mine
            assert "secret-plan" not in mine
            assert "words" in all_
        assert (
            'patchbay_runs_total{flow="shout",status="finished"} 1'
            in served.http.get("/metrics", headers=headers).text
        )
        assert "secret-plan.json" in served.http.get("/flows").json()["not_served"]


def test_a_used_up_budget_is_no_good_for_going_on_either(tmp_path: Path):
    file = tmp_path / "keys.toml"
    headers = {"authorization": f"Bearer {add(file, 'ada')}"}
    file.write_text(file.read_text() + "requests_a_day = 1\n")
    with serving(write(tmp_path / "flows", "approve"), keys=Keys(KEY, file)) as served:
        waits = served.run("approve", {"mail": "x"}, headers=headers).json()
        for path in ("answer", "resume"):
            answer = served.http.post(
                f"/runs/{waits['run']}/{path}", json={"approve": True}, headers=headers
            )
            assert code(answer) == (429, "serve/budget")
        assert (
            served.http.get(f"/runs/{waits['run']}", headers=headers).json()["status"] == "waiting"
        )


def test_a_key_that_lost_a_flow_does_not_go_on_with_its_runs(tmp_path: Path):
    file = tmp_path / "keys.toml"
    headers = {"authorization": f"Bearer {add(file, 'bob')}"}
    head = file.read_text()
    file.write_text(head + 'flows = ["approve"]\n')
    with serving(write(tmp_path / "flows", "approve", "shout"), keys=Keys(KEY, file)) as served:
        waits = served.run("approve", {"mail": "x"}, headers=headers).json()
        for flows, status_ in (('["shout"]', 404), ("[]", 404), ('["approve", "shout"]', 200)):
            file.write_text(head + f"flows = {flows}\n")
            served.service.keys._looked = 0.0
            given = {"approve": True}
            answer = served.http.post(waits["answer_at"], json=given, headers=headers)
            assert answer.status_code == status_
            resumed = served.http.post(f"/runs/{waits['run']}/resume", headers=headers)
            assert resumed.status_code == (404 if status_ == 404 else 409)


# --- files of flows -------------------------------------------------------------------------------


def test_a_flow_comes_back_when_the_flow_that_it_runs_is_mended(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(shelf, "_LOOK_EVERY_S", 0.0)
    run = {"flow": "inner", "inputs": {"text": "text"}}
    outer = flow(
        {"in": asks("text"), "sub": ("logic.run_flow", run), "out": gives()},
        ["in.value > sub.text", "sub.answer > out.value"],
    )
    folder = write(tmp_path / "flows", "shout")
    whole = (folder / "shout.json").read_text()
    inner = folder / "inner.json"
    inner.write_text("{", encoding="utf-8")
    (folder / "outer.json").write_text(canonical_text(outer), encoding="utf-8")
    with serving(folder) as served:
        assert served.run("outer", {"text": "a"}).status_code == 404
        inner.write_text(whole, encoding="utf-8")
        assert served.run("outer", {"text": "a"}).json()["outputs"] == {"answer": "A"}
        inner.write_text("{", encoding="utf-8")
        assert served.run("outer", {"text": "a"}).json()["outputs"] == {"answer": "A"}
        assert "outer.json" in served.http.get("/flows").json()["not_served"]
        inner.write_text(whole.replace("test.upper", "test.words"), encoding="utf-8")
        assert served.run("outer", {"text": "a"}).json()["outputs"] == {"answer": "a"}
        assert "not_served" not in served.http.get("/flows").json()


def test_a_run_that_waited_is_charged_once(tmp_path: Path):
    file = tmp_path / "keys.toml"
    headers = {"authorization": f"Bearer {add(file, 'ada')}"}
    file.write_text(file.read_text() + "tokens_a_day = 1000\n")
    costly = flow(
        {
            "in": asks("mail"),
            "say": "test.words",
            "ok": ("people.approve", {"question": "Send it?"}),
            "s": gives("sent"),
            "k": gives("kept"),
        },
        [
            "in.value > say.text",
            "say.text > ok.value",
            "ok.approved > s.value",
            "ok.rejected > k.value",
        ],
    )
    folder = write(tmp_path / "flows", "shout")
    (folder / "costly.json").write_text(canonical_text(costly), encoding="utf-8")
    with serving(folder, keys=Keys(KEY, file)) as served:
        waits = served.run("costly", {"mail": "a b c"}, headers=headers).json()
        given = {"approve": True}
        done = served.http.post(waits["answer_at"], json=given, headers=headers).json()
        assert done["tokens"] == {"prompt": 3, "completion": 3}
        figures = served.http.get("/metrics").text
        assert 'patchbay_tokens_total{flow="costly",type="prompt"} 3\n' in figures
        assert 'patchbay_tokens_total{flow="costly",type="completion"} 3\n' in figures
        used = served.service.meter._used["ada"]
        assert sum(part[2] for part in used.parts) == 6
