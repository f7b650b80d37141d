"""The chat page of `patchbay serve`, and the chat on a page of somebody else, in a real browser."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.server.core.keys import Keys
from patchbay.flows.server.core.settings import Settings
from patchbay.flows.server.http.pages import ASSETS
from patchbay.flows.server.snippets import ServedAt, embed
from tests.browser.harness import another
from tests.flows.runs.harness import flow
from tests.flows.server.flows import asks, gives, write
from tests.flows.server.serving import KEY, Served, serving
from tests.loopback import served as page_server

PEOPLE = flow(
    {
        "in": asks("mail"),
        "edit": ("people.edit", {"question": "Is it right?"}),
        "pick": ("people.choose", {"question": "Which one?"}),
        "fill": ("people.form", {"question": "Who are you?"}),
        "text": gives("text"),
        "choice": gives("choice"),
        "form": gives("form"),
    },
    [
        "in.value > edit.value", "in.value > pick.value", "in.value > fill.value",
        "edit.value > text.value", "pick.choice > choice.value", "fill.json > form.value",
    ],
    "People",
)  # fmt: skip
"""Asks three things at once: a text to edit, a choice, fields to fill in."""
CITES = flow(
    {
        "in": asks(),
        "find": "test.finds",
        "say": ("prompt.template", {"template": "{text} It is the question [1]."}),
        "out": gives(),
        "from": gives("sources"),
    },
    ["in.value > find.text", "find.text > say.text", "say.text > out.value",
     "find.found > from.value"],
    "Cites",
)  # fmt: skip


class Somebodys(BaseHTTPRequestHandler):
    """A page of somebody else, with whatever stands in `page`."""

    page: ClassVar[dict[str, str]] = {"text": ""}

    def do_GET(self) -> None:
        body = self.page["text"].encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str, str]]:
    """The server, a page whose origin is declared to it, and one whose is not."""
    folder = tmp_path_factory.mktemp("chat")
    with (
        pytest.MonkeyPatch.context() as patch,
        page_server(Somebodys) as friend,
        page_server(Somebodys) as stranger,
    ):
        patch.setenv("PATCHBAY_HOME", str(folder / "home"))
        settings = Settings(origins=(friend,))
        flows = write(folder / "flows")
        for name, made in (("people", PEOPLE), ("cites", CITES), ("odd {name}", CITES)):
            (flows / f"{name}.json").write_text(canonical_text(made), encoding="utf-8")
        with serving(flows, settings, Keys(KEY)) as found:
            yield found, friend, stranger


@pytest.fixture
def page(browser: Browser, places: tuple[Served, str, str]) -> Iterator[Page]:
    """A page that must not ask any other server, nor break the policy."""
    context = another(browser, viewport={"width": 390, "height": 780})
    page = context.new_page()
    own = {urlsplit(places[0].address).netloc, urlsplit(places[1]).netloc}
    own.add(urlsplit(places[2]).netloc)
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert {urlsplit(url).netloc for url in asked if url.startswith("http")} <= own
    assert [line for line in said if "Security Policy" in line or "is not defined" in line] == []


def opened(page: Page, served: Served, flow: str) -> None:
    page.goto(f"{served.address}/chat/{flow}#key={KEY}")
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()


def say(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Message").fill(text)
    page.keyboard.press("Enter")


def picture(page: Page, name: str) -> None:
    """Kept for people to look at, where they ask for it."""
    if folder := os.environ.get("PATCHBAY_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_conversation(page: Page, places):
    served = places[0]
    opened(page, served, "chat")
    assert KEY not in page.url
    talk = page.get_by_role("log")
    for said in ("Hello **you**", "And then?"):
        say(page, said)
        expect(talk.get_by_text(said, exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
        expect(talk.locator("article[aria-busy=true]")).to_have_count(0)
    expect(talk.locator("article .text")).to_have_text(["Paris is the capital."] * 2)
    page.reload()
    expect(talk.get_by_text("And then?", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="New chat").click()
    expect(talk.get_by_text("And then?", exact=True)).to_have_count(0)


def test_steps_are_folded_and_a_thumb_is_kept(page: Page, places):
    served = places[0]
    opened(page, served, "agent")
    say(page, "What is it?")
    talk = page.get_by_role("log")
    expect(talk.locator("article .text")).to_have_text("Copenhagen")
    step = talk.get_by_text("capital of Denmark")
    expect(step).to_be_hidden()
    talk.locator(".steps > summary").click()
    expect(step).to_be_visible()
    picture(page, "chat-steps")
    talk.get_by_role("button", name="Bad answer").click()
    comment = talk.get_by_role("textbox", name="Comment")
    comment.fill("too short")
    comment.press("Enter")
    expect(talk.get_by_text("Thank you.")).to_be_visible()
    found = served.http.get("/feedback").json()["feedback"][0]
    assert (found["rating"], found["comment"]) == (-1, "too short")


def test_sources_are_cards_and_text_is_text(page: Page, places):
    opened(page, places[0], "sources")
    say(page, "<img src=x onerror=alert(1)>")
    card = page.locator(".source")
    expect(card).to_contain_text("n.md")
    expect(card).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("main img").count() == 0


def test_a_question_has_buttons(page: Page, places):
    page.emulate_media(color_scheme="dark")
    opened(page, places[0], "approve")
    say(page, "Dear Ada")
    asks = page.locator("section.pb-asks")
    expect(asks).to_contain_text("Send it?")
    picture(page, "chat-question-dark")
    asks.get_by_role("textbox", name="Comment").fill("fine")
    asks.get_by_role("button", name="Approve").click()
    expect(asks).to_contain_text("Answered.")
    expect(page.locator("article .text").first).to_have_text("Dear Ada")


def test_a_number_in_an_answer_leads_to_the_cited_place(page: Page, places):
    opened(page, places[0], "cites")
    say(page, "Paris lies there. To be or not, that is the question. Nothing else.")
    cards = page.get_by_role("list", name="Sources")
    expect(cards.locator("mark")).to_have_count(0)
    page.get_by_role("button", name="Source 1", exact=True).click()
    expect(cards.locator("mark")).to_have_text("To be or not, that is the question.")
    picture(page, "chat-cited")


def test_questions_of_all_kinds_are_answered_at_once(page: Page, places):
    opened(page, places[0], "people")
    say(page, "Dear Ada")
    edit, pick, fill = (
        page.get_by_role("region", name=name, exact=True)
        for name in ("Is it right?", "Which one?", "Who are you?")
    )
    expect(fill).to_be_visible()
    picture(page, "chat-questions")
    edit.get_by_label("The value").fill("Dear Bob")
    expect(edit.get_by_label("What you change")).to_contain_text("+Dear Bob")
    edit.get_by_role("button", name="Answer", exact=True).click()
    expect(edit).to_contain_text("Answered.")
    pick.get_by_role("button", name="later", exact=True).click()
    expect(pick).to_contain_text("Answered.")
    fill.get_by_label("name").fill("Ada")
    fill.get_by_label("urgent").select_option("yes")
    fill.get_by_role("button", name="Answer", exact=True).click()
    answer = page.locator("article.answer")
    expect(answer.locator(":scope > .text")).to_contain_text("Dear Bob")
    expect(answer.locator(":scope > .text")).to_contain_text("later")
    expect(answer.locator("pre.json")).to_contain_text('"urgent": true')


def test_an_answer_is_stopped(page: Page, places):
    opened(page, places[0], "slow")
    say(page, "a " * 400)
    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(stop).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Stopped.", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()


def test_what_goes_wrong_is_said(page: Page, places):
    served = places[0]
    opened(page, served, "fails")
    say(page, "a")
    expect(page.get_by_role("alert")).to_contain_text("no luck")
    page.goto(f"{served.address}/chat/nothing")
    expect(page.get_by_text('There is no flow "nothing" here.')).to_be_visible()
    page.evaluate("sessionStorage.clear()")
    page.goto(f"{served.address}/chat/words")
    key = page.get_by_label("Key")
    key.fill(KEY)
    key.press("Enter")
    expect(page.get_by_role("heading", name="Words")).to_be_visible()


@pytest.mark.parametrize(
    "around",
    [
        "<!doctype html><body>Mine{script}</body>",
        "<!doctype html><head><title>Mine</title>{script}</head><body>Mine</body>",
        "<!doctype html><head>{deferred}</head><body>Mine</body>",
        "<!doctype html><head>{soon}</head><body>Mine</body>",
    ],
    ids=["body", "head", "defer", "async"],
)
def test_on_a_page_of_a_declared_origin(page: Page, places, around):
    served, friend, _ = places
    script = embed(ServedAt(served.service.shelf.get("words"), served.address, KEY))
    deferred, soon = (script.replace("<script ", f"<script {way} ") for way in ("defer", "async"))
    Somebodys.page["text"] = around.format(script=script, deferred=deferred, soon=soon)
    page.goto(friend)
    page.get_by_role("button", name="Words", exact=True).click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("textbox", name="Message").fill("to be")
    frame.get_by_role("textbox", name="Message").press("Enter")
    expect(frame.locator("article .text")).to_have_text("to be")


def test_the_calls_on_the_page_of_all_flows_work(page: Page, places, tmp_path):
    """A number got a text there, and a file was left out."""
    served, _, _ = places
    page.goto(f"{served.address}/docs#key={KEY}")
    expect(page.locator("section")).not_to_have_count(0)
    calls = page.locator("section pre").all_text_contents()
    (tmp_path / "FILE").write_text("abc")
    for name in ("typed", "size", "sees", "read", "chat", "odd%20%7Bname%7D"):
        (call,) = [call for call in calls if f"/flows/{name}/run'" in call]
        done = subprocess.run(
            ["bash", "-c", call], cwd=tmp_path, env={**os.environ, "KEY": KEY},
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert json.loads(done.stdout)["status"] == "finished", (name, done.stdout, done.stderr)


def test_another_page_gets_nothing(page: Page, places):
    served, _, stranger = places
    Somebodys.page["text"] = "<!doctype html><body>Mine</body>"
    page.goto(stranger)
    ask = """async ([address, key]) => {
      const headers = { Authorization: `Bearer ${key}` };
      const asked = { method: "POST", body: '{"text": "a"}', headers };
      const plain = { method: "POST", body: '{"text": "a"}', mode: "no-cors" };
      const found = [];
      for (const options of [asked, plain]) {
        try {
          const answer = await fetch(`${address}/flows/shout/run`, options);
          found.push([answer.type, answer.status, await answer.text()]);
        } catch (error) { found.push(["error", 0, ""]); }
      }
      return found;
    }"""
    before = served.http.get("/metrics").text.count('flow="shout"')
    assert page.evaluate(ask, [served.address, KEY]) == [["error", 0, ""]] * 2
    assert served.http.get("/metrics").text.count('flow="shout"') == before


def test_an_event_source_reads_a_run_and_goes_on(page: Page, places):
    served = places[0]
    body = {"question": "a b c d", "background": True}
    at = served.run("slow", body).json()["events_at"]
    opened(page, served, "words")
    read = """(at) => new Promise((done) => {
      const pieces = [];
      const source = new EventSource(at);
      source.addEventListener("node_streamed", (e) => pieces.push(JSON.parse(e.data).piece));
      source.addEventListener("run_finished", (e) => {
        source.close();
        done([pieces.join(""), e.lastEventId]);
      });
    })"""
    text, last = page.evaluate(read, at)
    assert text == body["question"]
    assert last.startswith(served.service.epoch)


def test_an_event_source_that_nobody_closes_stops_by_itself(page: Page, places):
    """It asked again every three seconds for ever, and had all told again where it was recorded."""
    served = places[0]
    at = served.run("shout", {"text": "a", "background": True}).json()["events_at"]
    opened(page, served, "words")
    read = """(at) => new Promise((done) => {
      const source = new EventSource(at);
      let ends = 0;
      source.addEventListener("run_finished", () => { ends += 1; });
      source.onerror = () => { if (source.readyState === EventSource.CLOSED) done(ends); };
    })"""
    assert page.evaluate(read, at) == 1


def test_script_and_style_are_small():
    names = ("chat.js", "chat.css", "embed.js")
    data = b"".join((ASSETS / name).read_bytes() for name in names)
    assert len(gzip.compress(data)) <= 60_000
    assert "https://" not in data.decode()
