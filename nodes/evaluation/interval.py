"""How far a share that was counted may lie from the true one."""

from __future__ import annotations

from statistics import NormalDist


def wilson(hits: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a share: lower and upper end, between 0 and 1.

    Unlike the usual "plus or minus" it is right for few cases and for shares near 0 and 1 (Wilson
    1927, "Probable Inference, the Law of Succession, and Statistical Inference").

    Args:
        hits: how many were right.
        total: of how many, at least 1.
        confidence: how often the true share lies inside, between 0 and 1.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = hits / total
    spread = 1 + z * z / total
    middle = (share + z * z / (2 * total)) / spread
    half = z / spread * (share * (1 - share) / total + z * z / (4 * total * total)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)
