"""What a server is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass

from patchbay.nodes.units import MEGABYTE


@dataclass(frozen=True, slots=True)
class Settings:
    """The limits of a server and who may call it. Times are in seconds, sizes in bytes.

    Args:
        names: host names under which it may be called, beside addresses in digits and localhost.
        origins: web pages that may call it from a browser, such as `https://example.org`.
        at_once: runs at the same time.
        queue: runs that may wait for their turn; more are refused with 429.
        timeout_s: how long a run may take, from its turn on.
        drain_s: how long runs may go on when the server is told to end.
        rest_s: how long a streamed run goes on when its reader is gone, for a reconnect.
        keep_s: how long the events of a run that has ended can be read again.
        keep: how much of the events of ended runs is kept for that at most, in characters.
        ping_s: how often a quiet stream says that it lives.
        body: how large a request may be.
        slow_s: how long a request may take to arrive.
        values: whether callers see what every node gave, not only the outputs.
        variables: the environment whose values the variables of flows have.
        overrides: the params that callers may change, as `flow:node.param`.
        use_cache: whether results that were computed before are used again.
    """

    names: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    at_once: int = 8
    queue: int = 100
    timeout_s: float = 600.0
    drain_s: float = 20.0
    rest_s: float = 30.0
    keep_s: float = 300.0
    keep: int = 128 * MEGABYTE
    ping_s: float = 15.0
    body: int = 32 * MEGABYTE
    slow_s: float = 60.0
    values: bool = False
    variables: str = ""
    overrides: tuple[str, ...] = ()
    use_cache: bool = False
