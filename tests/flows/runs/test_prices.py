"""What runs cost, by the person's own table; what has no price is named, never zero."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.events import ModelTokens, Tokens
from patchbay.flows.runs.prices import Cost, Prices, amount_text, read_prices

TABLE = """
[prices]
currency = "EUR"
[prices.models."openai:gpt-4o"]
input = 2.5
cached = 1.25
output = 10
[prices.models."openai:gpt-4o*"]
input = 3
output = 12
[prices.models."smollm2*"]
input = 0
output = 0
[prices.models."claude"]
input = 1
output = 1
currency = "USD"
"""


@pytest.fixture
def prices(tmp_path: Path) -> Prices:
    (tmp_path / "settings.toml").write_text(TABLE, encoding="utf-8")
    return read_prices(tmp_path / "settings.toml")


def used(*each: tuple[str, int, int, int]) -> Tokens:
    models = tuple(ModelTokens(*one) for one in each)
    return Tokens(sum(m.prompt for m in models), sum(m.completion for m in models), models=models)


def test_each_kind_of_token_has_its_price(prices: Prices):
    cost = prices.cost(used(("openai:gpt-4o", 1_000_000, 400_000, 100_000)))
    assert cost == Cost({"EUR": pytest.approx(0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10)})


def test_an_exact_name_comes_before_a_pattern(prices: Prices):
    assert prices.of("openai:gpt-4o") != prices.of("openai:gpt-4o-mini")
    mini = prices.of("openai:gpt-4o-mini")
    assert mini is not None
    assert (mini.input, mini.cached) == (3, 3), (
        "cached tokens cost as others where that is not said"
    )


def test_what_has_no_price_is_named(prices: Prices):
    cost = prices.cost(used(("openai:gpt-4o", 1000, 0, 0), ("other", 5, 0, 5)))
    assert cost.unknown == ("other",)
    assert cost.words() == "0.0025 EUR, no price for other"
    assert cost.as_dict() == {"amounts": {"EUR": 0.0025}, "unknown": ["other"]}
    alone = prices.cost(used(("other", 5, 0, 5)))
    assert (alone.words(), alone.as_dict()["amounts"]) == ("no price for other", {})


def test_tokens_of_no_known_model_are_unknown(prices: Prices):
    assert prices.cost(Tokens(10, 5)).unknown == ("a model that is not known",)
    assert not prices.cost(Tokens())


def test_a_price_of_zero_is_a_price(prices: Prices):
    assert prices.cost(used(("smollm2-135m", 10, 0, 10))).words() == "0 EUR"


def test_currencies_are_not_added_up(prices: Prices):
    cost = prices.cost(used(("claude", 1_000_000, 0, 0), ("openai:gpt-4o", 1_000_000, 0, 0)))
    assert cost.words() == "2.50 EUR + 1.00 USD"


def test_without_a_table_nothing_is_said(tmp_path: Path):
    prices = read_prices(tmp_path / "settings.toml")
    assert not prices
    assert not prices.cost(used(("other", 5, 0, 5)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[prices", "cannot be read"),
        ("prices = 3", "no table"),
        ("[prices]\nmodel = 1", 'knows no "model"'),
        ("[prices]\ncurrency = 1", "currency is no text"),
        ("[prices.models]\nx = 1", "is no table"),
        ('[prices.models."x"]\ninput = 1', 'lacks "output"'),
        ('[prices.models."x"]\ninput = -1\noutput = 1', '"input" is no price'),
        ('[prices.models."x"]\ninput = nan\noutput = 1', '"input" is no price'),
        ('[prices.models."x"]\ninput = true\noutput = 1', '"input" is no price'),
        ('[prices.models."x"]\ninput = "1"\noutput = 1', '"input" is no price'),
        ('[prices.models."x"]\ninput = 1\noutput = 1\ncashed = 1', 'knows no "cashed"'),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, text: str, says: str):
    (tmp_path / "settings.toml").write_text(text, encoding="utf-8")
    with pytest.raises(FlowError, match=says) as caught:
        read_prices(tmp_path / "settings.toml")
    assert caught.value.problems[0].code == "settings/prices"
    assert caught.value.problems[0].fix


def test_a_changed_table_is_read_anew(tmp_path: Path):
    file = tmp_path / "settings.toml"
    assert not read_prices(file)
    file.write_text(TABLE, encoding="utf-8")
    assert read_prices(file)


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0"), (1.2, "1.20"), (0.0042, "0.0042"), (0.0000123, "1.2e-05")]
)
def test_small_amounts_can_be_seen(amount: float, text: str):
    assert amount_text(amount) == text


def test_tokens_add_up_by_model():
    one = used(("a", 10, 2, 3))
    both = one + used(("a", 1, 1, 1), ("b", 5, 0, 5)) + Tokens(1, 1)
    assert both.models == (ModelTokens("a", 11, 3, 4), ModelTokens("b", 5, 0, 5))
    assert Tokens.read(both.as_dict()).models == both.models
    assert Tokens.read({"prompt": 1, "completion": 2}).models == ()


def test_what_was_added_since_is_told_by_model():
    before = used(("a", 10, 2, 3)) + Tokens(1, 1)
    more = used(("a", 1, 1, 1), ("b", 5, 0, 5))
    assert (before + more).since(before) == more
    nothing = before.since(before)
    assert (nothing.total, nothing.models) == (0, (ModelTokens("a", 0, 0, 0),))
    assert before.since(Tokens()) == before
