"""What the command line says: answers to standard output, everything else to standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from patchbay.flows.blackout import EVERYWHERE, black_out_process, finish
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.failures import RunError, about_file
from patchbay.flows.wording import UNSAFE
from patchbay.nodes.errors import NodeError
from patchbay.nodes.units import duration

if TYPE_CHECKING:
    from patchbay.flows.blackout import BlackedOut
    from patchbay.flows.checks.memory import MemoryPlan
    from patchbay.flows.cli.outlets import Outlets
    from patchbay.flows.runs.events import Tokens

EXIT_PROBLEM = 1
EXIT_INTERRUPTED = 130
EXIT_WAITING = 75
"""The run waits for a person: "try again later", as `sysexits.h` has it (EX_TEMPFAIL)."""


@contextlib.contextmanager
def nodes_words() -> Iterator[None]:
    """What a node refuses in the block is told as a problem of the command."""
    try:
        yield
    except NodeError as error:
        raise FlowError([Problem(error.code, error.message, error.fix)]) from error


def out(text: str = "", end: str = "\n") -> None:
    """Write to standard output. A terminal gets no characters that would act on it."""
    stream = _answers()
    if stream is None:  # closed by whoever started the command: `>&-`
        return
    stream.write(_writable(safe(text) if stream.isatty() else text) + end)
    stream.flush()


def err(text: str, end: str = "\n") -> None:
    """Write to standard error."""
    if sys.stderr is None:
        return
    sys.stderr.write(_writable(safe(text)) + end)
    sys.stderr.flush()


def _writable(text: str) -> str:
    r"""The text with half characters as `\\ud83d`, which is also how JSON writes them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def safe(text: str) -> str:
    """The text without control characters, except line ends and tabs."""
    return "".join(c if c in "\n\t" or not UNSAFE.match(c) else "�" for c in text)


def notice(text: str) -> None:
    """Write something that the person should know to standard error; nothing for ""."""
    if text:
        err(f"warning {text}")


def usage(message: str, fix: str) -> FlowError:
    """What to raise where a command is not called as it can be."""
    return FlowError([Problem("usage", message, fix)])


def problems(found: Iterable[Problem], head: str = "") -> None:
    """Write problems to standard error, each with its fix on a line of its own."""
    for problem in found:
        place = f" {problem.place}:" if problem.place else ""
        err(f"{head}{problem.severity} [{problem.code}]{place} {problem.message}")
        if problem.fix:
            err(f"    → {problem.fix}")


def tokens(count: Tokens) -> str:
    """`37 + 12 tokens · 0.21 s to first · 38 tokens/s`: read and written, and how fast."""
    parts = [f"{count.prompt} + {count.completion} tokens"] if count.total else []
    if count.first_token_s is not None:
        parts.append(f"{duration(count.first_token_s)} to first")
    if count.per_second is not None:
        parts.append(f"{count.per_second:.0f} tokens/s")
    return " · ".join(parts)


def memory(plan: MemoryPlan) -> str:
    """`memory: about 515 MB (model 515 MB)`; nothing for a flow without models of its own."""
    return f"memory: {told}" if (told := plan.words()) else ""


_outlets: list[Outlets] = []
"""Those of this process, where there is something to mind below Python."""


def _mind_outlets(for_program: bool) -> None:
    """Mind what is written past Python: from the start for a program, else once there are secrets.

    Most runs have neither, and import nothing for it.
    """

    def mind() -> None:
        from patchbay.flows.cli.outlets import Outlets

        _outlets.append(Outlets(for_program=for_program))

    if for_program:
        mind()
    else:
        EVERYWHERE.when_first(mind)


def _answers() -> TextIO | BlackedOut | None:
    """Where answers are written; None where nobody reads them."""
    return next((found for o in _outlets if (found := o.answers) is not None), sys.stdout)


def close_outlets() -> None:
    """Before the process ends, however it ends."""
    for outlets in _outlets:
        outlets.close()


@contextlib.contextmanager
def guarded(debug: bool, *, for_program: bool = False) -> Iterator[None]:
    """Turn what went wrong into a message and an exit code; a traceback only with `--debug`.

    No secret that was given out appears on standard output, standard error, or in a log. Where a
    program reads standard output, nothing else stands there than what it is told.
    """
    black_out_process()
    _mind_outlets(for_program)
    try:
        with _debugged() if debug else contextlib.nullcontext():
            yield
    except (FlowError, RunError) as error:
        problems(error.problems if isinstance(error, FlowError) else [error.problem])
        sys.exit(EXIT_PROBLEM)
    except BrokenPipeError:
        # Whoever reads has seen enough. Nothing may be flushed into the closed pipe at exit.
        if (stream := _answers()) is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        sys.exit(EXIT_PROBLEM)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except OSError as error:
        problems([Problem("system/file", *about_file(error))])
        sys.exit(EXIT_PROBLEM)
    except Exception as error:
        err(f"error [internal] {type(error).__name__}: {error}")
        err("    → This is a mistake in Patchbay. Run again with --debug and report what it says.")
        sys.exit(EXIT_PROBLEM)
    finally:
        finish()
        close_outlets()


@contextlib.contextmanager
def _debugged() -> Iterator[None]:
    """Show the traceback of what went wrong."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, BrokenPipeError):
            import traceback

            err(traceback.format_exc(), end="")
            sys.exit(EXIT_PROBLEM)
        raise
