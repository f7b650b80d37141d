"""How far raters agree beyond chance: Cohen's and Fleiss' kappa, Krippendorff's alpha.

Small code of our own: of the libraries that have all three none is kept up. Tested against the
examples of the papers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import permutations
from typing import Literal

Level = Literal["nominal", "ordinal", "interval"]
Said = Mapping[str, Hashable]
"""What raters said of one item, by their names."""


def cohen(items: Sequence[Said], one: str, other: str) -> float | None:
    """Cohen's kappa of two raters, over the items that both have rated (Cohen 1960).

    None where they share no item, or both have said the same word throughout.
    """
    both = [(said[one], said[other]) for said in items if one in said and other in said]
    if not both:
        return None
    count = len(both)
    alike = sum(a == b for a, b in both) / count
    first, second = Counter(a for a, _ in both), Counter(b for _, b in both)
    chance = sum(first[word] * second[word] for word in first) / count**2
    return None if chance == 1 else (alike - chance) / (1 - chance)


def fleiss(items: Sequence[Said]) -> float | None:
    """Fleiss' kappa, for items that equally many raters have rated (Fleiss 1971).

    None where the numbers of raters differ, there are fewer than two, or all said one word.
    """
    rated = [Counter(said.values()) for said in items if said]
    raters = {sum(counts.values()) for counts in rated}
    if len(raters) != 1 or (n := raters.pop()) < 2:
        return None
    alike = sum(
        (sum(c * c for c in counts.values()) - n) / (n * (n - 1)) for counts in rated
    ) / len(rated)
    words = sum(rated, Counter())
    chance = sum((count / (n * len(rated))) ** 2 for count in words.values())
    return None if chance == 1 else (alike - chance) / (1 - chance)


def krippendorff(items: Sequence[Said], level: Level = "nominal") -> float | None:
    """Krippendorff's alpha: any number of raters, items that some have not rated.

    By the matrix of coincidences (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability").

    Args:
        items: what was said of each.
        level: whether words are only alike or not, have an order, or are numbers apart.

    Returns:
        1 for perfect agreement, 0 for chance; None where no item has two raters, or all said one
        word.
    """
    matrix: Counter[tuple[Hashable, Hashable]] = Counter()
    for said in items:
        words = list(said.values())
        if len(words) < 2:
            continue
        for a, b in permutations(range(len(words)), 2):
            matrix[words[a], words[b]] += 1 / (len(words) - 1)  # type: ignore[assignment]
    totals: Counter[Hashable] = Counter()
    for (word, _), amount in matrix.items():
        totals[word] += amount
    order = sorted(totals, key=lambda word: (str(type(word)), word))
    apart = _distances(order, totals, level)
    whole = sum(totals.values())
    observed = sum(amount * apart[pair] for pair, amount in matrix.items())
    expected = sum(totals[a] * totals[b] * apart[a, b] for a in order for b in order)
    if whole < 2 or not expected:
        return None
    return 1 - (whole - 1) * observed / expected


def _distances(
    order: Sequence[Hashable], totals: Mapping[Hashable, float], level: Level
) -> dict[tuple[Hashable, Hashable], float]:
    """The squared difference of every two words."""
    found: dict[tuple[Hashable, Hashable], float] = {}
    for i, a in enumerate(order):
        for j, b in enumerate(order):
            if level == "nominal":
                found[a, b] = float(a != b)
            elif level == "interval":
                found[a, b] = (float(str(a)) - float(str(b))) ** 2
            else:
                low, high = min(i, j), max(i, j)
                between = sum(totals[word] for word in order[low : high + 1])
                found[a, b] = (between - (totals[a] + totals[b]) / 2) ** 2
    return found


def in_words(alpha: float | None) -> str:
    """What an alpha is taken for (Krippendorff 2004: 0.8 is reliable, 0.667 the least)."""
    if alpha is None:
        return "nothing to compare yet"
    for least, words in ((0.8, "reliable"), (0.667, "tentative"), (0.0, "unreliable")):
        if alpha >= least:
            return words
    return "worse than chance"
