"""What keeps strangers out of the studio, seen from a real browser with a real server beside it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.editor_page import finished, node, open_latest_run, own, run, still, tab
from tests.browser.harness import ROOT, TOKEN, Server, another, let_in, serve
from tests.browser.test_displays import plugin
from tests.flows.runs.strange import payloads
from tests.paths import python_path

LARGE = {"width": 1400, "height": 1000}


class Site:
    """Another server on this machine. It counts what it is asked for."""

    def __init__(self) -> None:
        asked: list[str] = []
        pages: dict[str, str] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                body = pages.get(self.path, "").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.asked, self.pages = asked, pages
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("walls")
    (home / "flows").mkdir()
    paths = python_path(plugin(home / "plugin", "tests.flows.runs.strange:NODES"), ROOT)
    with serve(ROOT / "studio" / "app.py", home, env={"PYTHONPATH": paths}) as server:
        yield server


def put(studio: Server, name: str, flow: dict[str, Any]) -> Path:
    path = studio.home / "flows" / f"{name}.json"
    path.write_text(json.dumps({"format": 1, **flow}), "utf-8")
    return path


PROBE = """async (url) => {
  const image = new Promise((done) => {
    const made = new Image();
    made.onload = made.onerror = done;
    made.src = url + "/probe.png";
  });
  const socket = new Promise((done) => {
    try {
      const made = new WebSocket(url.replace("http", "ws") + "/probe-socket");
      made.onclose = made.onerror = done;
    } catch { done(); }
  });
  await Promise.all([image, socket, fetch(url + "/probe", { mode: "no-cors" }).catch(() => 0)]);
}"""


def strange_flow(site: Site) -> dict[str, Any]:
    texts = payloads(site.url)
    ports = ("text", "table", "chart", "documents", "messages", "json")
    return {
        "name": texts[1],
        "description": "\n".join(texts),
        "nodes": [
            {"id": "it", "kind": "test.strange", "title": texts[1], "params": {"site": site.url}},
            *({"id": p, "kind": "io.output", "title": texts[4], "params": {"name": p}}
              for p in ports),
        ],
        "edges": [{"from": f"it.{p}", "to": f"{p}.value"} for p in ports],
        "notes": [{"id": f"n{n}", "text": text} for n, text in enumerate(texts)],
        "layout": {f"n{n}": {"x": 240 * n, "y": 420} for n in range(len(texts))},
        "groups": [{"id": "g", "title": texts[0], "nodes": ["it"]}],
    }  # fmt: skip


def test_nothing_that_a_stranger_wrote_is_loaded(
    studio: Server, browser: Browser, site: Site
) -> None:
    """With the Content-Security-Policy switched off, so that the first wall stands alone."""
    context = let_in(another(browser, bypass_csp=True, viewport=LARGE))
    page = context.new_page()
    page.on("dialog", lambda dialog: site.asked.append(f"script: {dialog.message}"))
    put(studio, "strange ![a](x)", strange_flow(site))
    page.goto(f"{studio.url}/editor?flow=strange%20!%5Ba%5D(x)")
    expect(node(page, "it")).to_be_visible()
    expect(page.locator(".pb-note .words a").first).to_have_text("[picture: a]")
    run(page)
    side = finished(page)
    expect(side.locator(".words h1")).to_have_text("An answer")
    link = side.locator(".words a").first
    expect(link).to_have_text("[picture: a]")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    steps = side.get_by_role("region", name="Steps").locator(":scope > details")
    expect(steps.first).to_be_visible()
    for fold in steps.all():
        fold.locator("summary").first.click()
        expect(fold.locator(".pb-here, .pb-note-line").first).to_be_visible()
    expect(side.locator(".pb-chart svg").first).to_be_visible()
    for name in ("Problems", "Chat", "Node"):
        tab(page, name)
    still(page)
    node(page, "it").click(force=True)
    tab(page, "Values")
    expect(side.get_by_text("text (out)")).to_be_visible()
    page.screenshot(path=studio.home / "strange-editor.png")
    open_latest_run(studio, page)
    expect(page.get_by_text("The same without the studio")).to_be_visible()
    page.goto(studio.url)
    expect(own(page).locator("img").first).to_be_visible()
    page.wait_for_timeout(1000)
    assert site.asked == []
    page.evaluate(PROBE, site.url)
    assert "/probe.png" in site.asked, "the server counts what gets through"
    context.close()


def test_the_policy_holds_where_something_got_in(
    studio: Server, empty_page: Page, site: Site
) -> None:
    page = empty_page
    page.goto(studio.url)
    expect(page.get_by_role("button", name="New flow")).to_be_visible()
    page.evaluate(PROBE, site.url)
    markup = f"<img src={site.url}/1><iframe src={site.url}/2></iframe><video src={site.url}/3>"
    page.evaluate("(markup) => document.body.insertAdjacentHTML('beforeend', markup)", markup)
    page.evaluate("""(url) => {
        const style = document.createElement("style");
        style.textContent = `@import "${url}/4.css"; body { background: url(${url}/5.png) }`;
        document.head.append(style);
        const link = document.createElement("link");
        link.rel = "prefetch";
        link.href = url + "/6";
        document.head.append(link);
        navigator.sendBeacon(url + "/7", "x");
    }""", site.url)  # fmt: skip
    page.wait_for_timeout(1000)
    assert site.asked == []


def test_a_browser_is_asked_for_the_token_once(
    studio: Server, browser: Browser, tmp_path: Path
) -> None:
    context = another(browser)
    page = context.new_page()
    page.goto(f"{studio.url}/editor?flow=nothing")
    expect(page.get_by_role("heading", name="This studio is locked")).to_be_visible()
    page.get_by_label("Token").fill("a guess")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("not the token of this studio")).to_be_visible()
    page.screenshot(path=studio.home / "locked.png")
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_text("No flow is open")).to_be_visible()
    assert "token" not in page.url
    assert page.evaluate("document.cookie").count("patchbay") == 0
    page.goto(studio.url)
    expect(page.get_by_role("button", name="New flow")).to_be_visible()
    context.close()


ATTACK = """<p>A page of somebody else, on the same machine.</p>
<iframe id="frame" src="STUDIO/"></iframe>
<script>
const tried = (make) => new Promise((done) => {
  try {
    const made = make();
    made.onopen = () => done("open");
    made.onerror = made.onclose = () => done("refused");
  } catch { done("refused"); }
});
const asked = (path, options) => fetch("STUDIO" + path, { credentials: "include", ...options })
  .then((answer) => answer.type + " " + answer.status, () => "refused");
window.results = Promise.all([
  tried(() => new WebSocket("SOCKET/_stcore/stream", ["streamlit"])),
  tried(() => new WebSocket("SOCKET/patchbay/live?doc=x&token=y")),
  tried(() => new EventSource("STUDIO/patchbay/events?doc=x&token=y", { withCredentials: true })),
  asked("/_stcore/host-config"), asked("/"), asked("/_stcore/health"),
  asked("/_stcore/upload_file/a/b", { method: "PUT", body: "x" }),
]);
</script>"""


def test_a_page_of_another_server_gets_nothing_even_with_the_cookie(
    studio: Server, empty_page: Page, site: Site
) -> None:
    """Browsers send cookies to every port of a machine: this is the page of a colleague."""
    page = empty_page
    statuses: dict[str, int] = {}
    page.on("response", lambda answer: statuses.setdefault(answer.url, answer.status))
    socket = studio.url.replace("http", "ws")
    site.pages["/attack"] = ATTACK.replace("STUDIO", studio.url).replace("SOCKET", socket)
    page.goto(f"{site.url}/attack")
    results = page.evaluate("window.results")
    assert results == ["refused"] * 7
    frame = page.frame_locator("#frame")
    expect(frame.get_by_text("This studio is locked")).to_have_count(0)
    assert page.frames[1].url in ("chrome-error://chromewebdata/", f"{studio.url}/")
    assert page.frames[1].evaluate("document.body?.innerText ?? ''").count("Flows") == 0
    asked = {url: status for url, status in statuses.items() if url.startswith(studio.url)}
    health = f"{studio.url}/_stcore/health"
    assert {status for url, status in asked.items() if url != health} == {403}
