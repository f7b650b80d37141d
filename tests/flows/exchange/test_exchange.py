"""Pictures and listings: right for a good flow, harmless for a hostile one."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from patchbay.flows.document.model import Flow
from patchbay.flows.exchange.mermaid import escape, to_mermaid
from patchbay.flows.exchange.text import to_text
from patchbay.flows.wording import UNSAFE
from tests.flows.checks.rules_kit import CATALOG, flow, node

ASK = flow(
    [
        node("ask", "in", name="question"),
        node("end", "talk", title='Say "hi" <b>'),
        node("model", "model"),
        node("lost", "step", disabled=True),
        node("answer", "out"),
    ],
    "ask.value > end.prompt",
    "model.model > end.model",
    "end.text > answer.value",
    "gone.x > end.prompt",
    name="Ask",
    description="Asks.\nTwice.",
)


def test_the_mermaid_text_in_full() -> None:
    assert to_mermaid(ASK, CATALOG) == (
        "flowchart LR\n"
        '    n0(["Input<br/>ask"])\n'
        '    n1["Say #34;hi#34; #60;b#62;<br/>end"]\n'
        '    n2["Model<br/>model"]\n'
        '    n3["Step<br/>lost"]\n'
        '    n4(["Output<br/>answer"])\n'
        '    n0 -->|"value → prompt"| n1\n'
        '    n2 -->|"model → model"| n1\n'
        '    n1 -->|"text → value"| n4\n'
        "    classDef disabled stroke-dasharray: 4 4,opacity: 0.6\n"
        "    class n3 disabled\n"
    )


def test_the_listing_in_full() -> None:
    assert to_text(ASK, CATALOG) == (
        "Ask\n  Asks.\n  Twice.\n\n"
        "Inputs\n  question (text, required)\n\n"
        "Steps\n"
        "  model: Model\n"
        "  lost: Step [disabled]\n"
        '  end: Say "hi" <b> (Talk)\n'
        "      prompt ← input question, gone.x\n"
        "      model ← model.model\n\n"
        "Outputs\n  answer ← end.text\n"
    )


def test_a_cycle_an_unknown_kind_and_bad_params_are_still_shown() -> None:
    broken = flow(
        [node("a", "step"), node("b", "nothing"), node("c", "slots", names=3)],
        "a.text > b.text",
        "b.text > a.text",
    )
    listing = to_text(broken, CATALOG)
    assert "b: unknown kind test.nothing" in listing
    assert "(params do not fit)" in listing
    assert "b.text" in listing


hostile = st.text(st.characters(exclude_categories=("Cs",)), max_size=60) | st.sampled_from(
    ['"]; click n0 href "javascript:alert(1)"', "</br><script>x</script>", '%%{init: {"x": 1}}%%',
     "`code`", "a#quot;b", "\x1b]0;title\x07", "\u202egnp.exe"]
)  # fmt: skip


@given(hostile, hostile)
def test_nothing_in_a_flow_gets_out_of_its_label(title: str, name: str) -> None:
    line = UNSAFE.sub("", title)
    document = flow(
        [node("a", "in", title=line, name=name, default=title), node("b", "out", name=title)],
        "a.value > b.value",
        name=line,
        description=title,
    )
    mermaid = to_mermaid(document, CATALOG)
    assert len(mermaid.splitlines()) == 4
    for label in re.findall(r'"(.*?)"', mermaid):
        assert not re.search(r'["<>`\[\]{}()%;|&\\]', re.sub(r"#\d+;|<br/>", "", label))
    listing = to_text(document, CATALOG)
    assert not UNSAFE.search(listing.replace("\n", ""))


def test_a_long_text_is_cut() -> None:
    assert len(escape("x" * 500)) == 80


def test_a_key_in_a_title_is_not_shown() -> None:
    key = "sk-" + "0" * 30
    document = flow([node("a", "step", title=key)], name=key, description=key)
    assert key not in to_mermaid(document, CATALOG) + to_text(document, CATALOG)


def test_an_empty_flow() -> None:
    assert to_mermaid(Flow(), CATALOG) == "flowchart LR\n"
    assert to_text(Flow(), CATALOG) == "Untitled\n"
