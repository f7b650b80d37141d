"""What tokens cost, by a table of prices that the person owns: `[prices]` in `settings.toml`.

    [prices]
    currency = "USD"

    [prices.models."openai:gpt-4o"]   # as the node names it; * stands for any letters
    input = 2.50                      # for a million tokens read
    cached = 1.25                     # for those that the provider had kept; else as the others
    output = 10.00                    # for a million tokens written

    [prices.models."gguf-of-mine*"]
    input = 0
    output = 0

A model that has no price makes the cost unknown, and is named. It is never zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.events import ModelTokens, Tokens
from patchbay.nodes.errors import NodeError
from patchbay.nodes.file_stamp import file_stamp
from patchbay.nodes.settings import section, settings_file

if TYPE_CHECKING:
    from patchbay.flows.runs.history import History

_MILLION = 1_000_000
_NUMBERS = ("input", "cached", "output")


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens of a model cost."""

    input: float
    output: float
    cached: float
    currency: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What tokens cost, by currency, and the models that have no price."""

    amounts: Mapping[str, float] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.amounts or self.unknown)

    def words(self) -> str:
        """`0.0042 USD`, `0.0042 USD and what smollm2 costs, which has no price`."""
        known = " + ".join(f"{amount_text(n)} {name}" for name, n in sorted(self.amounts.items()))
        if not self.unknown:
            return known
        missing = f"no price for {', '.join(self.unknown)}"
        return f"{known}, {missing}" if known else missing

    def as_dict(self) -> dict[str, Any]:
        """The plain form."""
        told: dict[str, Any] = {name: round(n, 9) for name, n in sorted(self.amounts.items())}
        return {"amounts": told, **({"unknown": list(self.unknown)} if self.unknown else {})}


def amount_text(amount: float) -> str:
    """An amount of money with as many places as it takes to see it: 0.0042, 1.20, 0."""
    if amount == 0:
        return "0"
    if amount >= 1:
        return f"{amount:.2f}"
    return f"{amount:.4f}" if amount >= 0.001 else f"{amount:.2g}"


class Prices:
    """A table of prices.

    Args:
        models: names of models, or patterns of them, and what each costs.
    """

    def __init__(self, models: Mapping[str, Price] | None = None) -> None:
        self._models = dict(models or {})

    def __bool__(self) -> bool:
        return bool(self._models)

    @property
    def currencies(self) -> tuple[str, ...]:
        """Those that something has a price in. Amounts of two of them cannot be added."""
        return tuple(sorted({price.currency for price in self._models.values()}))

    def of(self, model: str) -> Price | None:
        """The price of a model: its own, else that of the longest pattern that fits it."""
        if (own := self._models.get(model)) is not None:
            return own
        fits = [name for name in self._models if fnmatchcase(model, name)]
        return self._models[max(fits, key=len)] if fits else None

    def cost(self, tokens: Tokens) -> Cost:
        """What tokens cost. Nothing where there is no table."""
        return self.cost_of(tokens.models, tokens.total) if self else Cost()

    def cost_of(self, each: Iterable[ModelTokens], total: int = 0) -> Cost:
        """What tokens of models cost; those of `total` that no model is known for are unknown."""
        amounts: dict[str, float] = {}
        unknown: list[str] = []
        for one in each:
            total -= one.prompt + one.completion
            if (price := self.of(one.model)) is None:
                unknown.append(one.model)
                continue
            fresh = max(0, one.prompt - one.cached)
            cost = fresh * price.input + one.cached * price.cached + one.completion * price.output
            amounts[price.currency] = amounts.get(price.currency, 0.0) + cost / _MILLION
        if total > 0:
            unknown.append("a model that is not known")
        return Cost(amounts, tuple(unknown))


def read_prices(file: Path | None = None) -> Prices:
    """The person's prices; empty where there are none.

    Raises:
        FlowError: the file says something that is no price.
    """
    path = file or settings_file()
    stamp = file_stamp(path)
    known = _known.get(path)
    if known is None or known[0] != stamp:
        _known[path] = known = (stamp, _read(path) if stamp else Prices())
    return known[1]


def prices_or_none(file: Path | None = None) -> Prices:
    """The person's prices; empty where they cannot be read. For whoever says so elsewhere."""
    try:
        return read_prices(file)
    except FlowError:
        return Prices()


def costs(history: History, runs: Iterable[str]) -> dict[str, Cost]:
    """What recorded runs that have ended cost, at the prices of now; nothing where there are none.

    Reads one event of each run: the last one says which models it asked.

    Raises:
        FlowError: the settings say something that is no price.
    """
    from patchbay.flows.runs.paging import page

    prices, found = read_prices(), {}
    for run in runs if prices else ():
        last = page(history, run, limit=1)
        if last and isinstance(tokens := last[0][1].get("tokens"), dict):
            found[run] = prices.cost(Tokens.read(tokens))
    return found


_known: dict[Path, tuple[tuple[int, int] | None, Prices]] = {}


def _read(path: Path) -> Prices:
    try:
        said = section("prices", path)
    except NodeError as error:
        raise FlowError([Problem("settings/prices", error.message, error.fix)]) from None
    if not isinstance(said.get("models", {}), dict):
        raise _wrong(path, "[prices.models] is no table.", _HOW)
    if others := sorted(said.keys() - {"currency", "models"}):
        raise _wrong(path, f'[prices] knows no "{others[0]}".', _HOW)
    currency = said.get("currency", "USD")
    if not isinstance(currency, str) or not currency.strip():
        raise _wrong(path, "currency is no text.", 'Write currency = "USD".')
    models = said.get("models", {})
    return Prices({name: _price(path, name, one, currency) for name, one in models.items()})


_HOW = 'Write [prices.models."NAME"] with input = and output = for a million tokens.'


def _price(path: Path, name: str, said: Any, currency: str) -> Price:
    where = f'[prices.models."{name}"]'
    if not isinstance(said, dict):
        raise _wrong(path, f"{where} is no table.", _HOW)
    if others := sorted(said.keys() - {*_NUMBERS, "currency"}):
        raise _wrong(path, f'{where} knows no "{others[0]}".', _HOW)
    for number in _NUMBERS:
        value = said.get(number, 0)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e12:
            raise _wrong(path, f'{where}: "{number}" is no price.', "Write a number from 0 on.")
    if missing := [number for number in ("input", "output") if number not in said]:
        raise _wrong(path, f'{where} lacks "{missing[0]}".', _HOW)
    own = said.get("currency", currency)
    if not isinstance(own, str) or not own.strip():
        raise _wrong(path, f"{where}: currency is no text.", 'Write currency = "USD".')
    each: dict[str, Any] = {"cached": said["input"], **said}
    return Price(float(each["input"]), float(each["output"]), float(each["cached"]), own.strip())


def _wrong(path: Path, what: str, fix: str) -> FlowError:
    return FlowError([Problem("settings/prices", f"{path.name}: {what}", fix)])
