"""What flows are found by on the Flows page, and what they are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay import flows
from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.nodes.catalog import load_catalog
from patchbay.studio.documents.cards import Card, Cards
from patchbay.studio.documents.purposes import _TELLING, ORDER, OTHERWISE, purpose_of
from patchbay.studio.plain_text import first_sentence, listed_names

SAVED = sorted((Path(flows.__file__).parent / "saved").glob("*.json"))
CATALOG = load_catalog()


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> list[Card]:
    return Cards(tmp_path_factory.mktemp("cards") / "cards.json", lambda: CATALOG).of(SAVED)


def found(cards: list[Card], wanted: str) -> list[str]:
    ranked = [(rank, card) for card in cards if (rank := card.rank(wanted)) is not None]
    return [card.path.stem for _, card in sorted(ranked, key=lambda pair: pair[0])]


@pytest.mark.parametrize(
    ("wanted", "template"),
    [
        ("rag", "ask_folder"),
        ("loop", "shorten_until"),
        ("if", "shorten"),
        ("human in the loop", "approve_mail"),
        ("lora", "adapters"),
        ("image", ""),
        ("claude", "fallback"),
        ("sql", "ask_table"),
        ("vector", "ask_folder"),
        ("RESEARCH crew", "research_crew"),
        ("few-shot", "few_shot"),
    ],
)
def test_templates_are_found_by_synonyms_of_their_nodes(
    cards: list[Card], wanted: str, template: str
) -> None:
    assert not template or template in found(cards, wanted)


def test_what_is_called_so_comes_before_what_only_says_so(cards: list[Card]) -> None:
    first = found(cards, "crew")
    assert set(first[:2]) == {"research_crew", "review_crew"}
    assert len(first) > 2


def test_a_short_word_does_not_stand_inside_others(tmp_path: Path) -> None:
    card = Card(tmp_path / "x.json", 0.0, "Paragraphs", "Storage of fragments")
    assert card.rank("rag") is None
    assert card.rank("frag") == 2
    assert card.rank("par stor") == 2
    assert card.rank("") == 0
    assert card.rank("week", ["#week 1"]) == 1
    assert card.rank("graphs") == 0
    assert card.rank("no such words") is None


def test_every_template_has_a_purpose_and_every_purpose_that_is_listed_can_be_had(
    cards: list[Card],
) -> None:
    assert {card.purpose for card in cards} <= set(ORDER)
    assert {purpose.name for purpose in _TELLING} | {OTHERWISE} == set(ORDER)
    families = {cls.family for cls in CATALOG}
    kinds = {cls.kind for cls in CATALOG}
    for purpose in _TELLING:
        assert purpose.families <= families, purpose.name
        assert purpose.kinds <= kinds, purpose.name


@pytest.mark.parametrize(
    ("kinds", "purpose"),
    [
        ((), OTHERWISE),
        (("io.input", "prompt.template", "model.ask"), OTHERWISE),
        (("model.ask", "logic.branch"), "Branches and loops"),
        (("model.gguf", "model.lora", "model.ask"), "Train, adapt, quantize"),
        (("not.here",), OTHERWISE),
    ],
)
def test_what_a_flow_is_for(kinds: tuple[str, ...], purpose: str) -> None:
    nodes = tuple(NodeInstance(id=f"n{i}", kind=kind) for i, kind in enumerate(kinds))
    assert purpose_of(Flow(nodes=nodes), CATALOG) == purpose


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("", ""),
        ("One thing. Another.", "One thing."),
        ("No end here", "No end here"),
        ("A way (Kojima et al. 2022) helps. More.", "A way helps."),
        ('Bits (Xu et al. 2019, "A Book"; Li 2021). More.', "Bits."),
        ("Bits (4 to 8) and `--env big`. More.", "Bits (4 to 8) and --env big."),
        ("Works with e.g. Ollama. Then more.", "Works with e.g. Ollama."),
        ("Version 2.5 is here! Look.", "Version 2.5 is here!"),
        ("Broken\nover lines. Next.", "Broken over lines."),
        ("A heading\n\nThe rest.", "A heading"),
    ],
)  # fmt: skip
def test_the_first_sentence(text: str, first: str) -> None:
    assert first_sentence(text) == first


def test_a_sentence_that_never_ends_is_cut_at_a_word() -> None:
    shown = first_sentence("word " * 100)
    assert len(shown) < 230
    assert shown.endswith("word …")


def test_names_in_a_row() -> None:
    assert listed_names([]) == ""
    assert listed_names(["A"]) == "A"
    assert listed_names(["A", "B", "C"]) == "A, B and C"
    assert listed_names(["A", "B", "C", "D"]) == "A, B and 2 more"
