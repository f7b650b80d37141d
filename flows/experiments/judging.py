"""Checks that are flows: similarity by embeddings, a judge model with a rubric, two answers.

A judge is a flow like any other, so that people see, change and try what judges. Those that ship
lie in `flows/saved`; a flow of one's own is named by its file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from patchbay import flows
from patchbay.flows.checks.memory import memory_plan
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_flow
from patchbay.flows.experiments.cases import FlowCase
from patchbay.flows.experiments.checking import JUDGES, OutputCheck, read_check, wrong_check
from patchbay.flows.experiments.keeping import ExperimentCell, Judged
from patchbay.flows.experiments.work_key import FlowsInside, flows_inside, work_key
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.inputs import flow_inputs
from patchbay.flows.runs.results import ended
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.flows.runs.subflows import Prepared, Subflows, prepare
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.values import Spec, as_text, canonical

SHIPPED = Path(flows.__file__).parent / "saved"
RUBRIC = "The answer is right, answers what was asked, and says nothing that was not."
_FILES = {"judge": "judge_answer", "versus": "judge_two_answers", "similarity": "similarity"}
_NUMBER = re.compile(r"(-?(?:\d+(?:\.\d+)?|\.\d+))(?:\s*(?:/|out of)\s*(\d+(?:\.\d+)?)|\s*(%))?")
"""A number, and what it is out of where that is said: 0.8, 4/5, 0.8 out of 1, 80%."""


@dataclass(frozen=True)
class FlowCheck(OutputCheck):
    """A flow that gives a score from 0 to 1.

    Its inputs get, by name: `answer`, `expected`, `question` (what the case asks), `rubric`, and
    the inputs of the case. With `pair` it is shown two answers as `first` and `second`, in both
    orders, and says which is better: the other answer is that of the first variant. Where both
    orders do not agree it is a tie (Zheng et al. 2023, arXiv:2306.05685, on judges that prefer
    what stands first).
    """

    flow: Flow = field(default_factory=Flow)
    inside: FlowsInside = ()
    folder: Path | None = None
    rubric: str = ""
    pair: bool = False
    against: str = ""
    """The key of the variant that a pair is compared with."""
    _ready: dict[tuple[Catalog, str], Prepared] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """The flow, checked and planned: it is asked for every cell."""

    def of(self, cell: ExperimentCell, case: FlowCase) -> float | None:
        """What the flow has said; None where it has not been asked, or failed."""
        if case.expected is None and self.needs_expected:
            return None
        if cell.error:
            return 0.0
        if self.pair and cell.variant == self.against:
            return 0.5
        known = cell.judged.get(self.place(case))
        return None if known is None else known.score

    @property
    def key(self) -> str:
        """The flow with those that it runs, the rubric and what it compares with."""
        return self._key

    def place(self, case: FlowCase) -> str:
        """What a score is kept under: the flow with those that it runs, the rubric, and what should
        have come out."""
        right = hashlib.sha256(canonical(case.expected).encode("utf-8", "replace")).hexdigest()
        return f"{self._key}:{right[:12]}"

    @cached_property
    def _key(self) -> str:
        said = canonical({
            "work": work_key(self.flow, self.inside),
            "rubric": self.rubric,
            "against": self.against,
        })  # fmt: skip
        return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]

    async def judge(
        self, cell: ExperimentCell, other: ExperimentCell | None, case: FlowCase, env: Environment
    ) -> Judged:
        """Ask the flow.

        Args:
            cell: what is judged.
            other: what it is compared with, for a pair.
            case: the case of both.
            env: everything from outside.

        Raises:
            FlowError: it fails, or gives no score; `RunError` where a node of it fails.
        """
        given = self._given(cell, case)
        if not self.pair and not str(given["answer"]).strip():
            return Judged(0.0, "an empty answer")
        if not self.pair:
            said = await self._said(given, "score", env)
            return Judged(_score(said), as_text(said)[:500])
        mine, theirs = as_text(cell.output), as_text(None if other is None else other.output)
        ahead = _better(await self._said({**given, "first": mine, "second": theirs}, "better", env))
        behind = _better(
            await self._said({**given, "first": theirs, "second": mine}, "better", env)
        )
        note = f"shown first: {ahead}; shown second: {behind}"
        if ahead == "first" and behind == "second":
            return Judged(1.0, note)
        if ahead == "second" and behind == "first":
            return Judged(0.0, note)
        return Judged(0.5, note)

    def opens(self, env: Environment) -> list[Spec]:
        """The models that it needs for every answer; none where the flow is broken, which is said
        when it is asked."""
        try:
            ready = self._prepared(env)
        except FlowError:
            return []
        return [share.spec for share in memory_plan(ready.resolved, self.folder).shares]

    def _given(self, cell: ExperimentCell, case: FlowCase) -> dict[str, Any]:
        asked = [as_text(value) for value in case.inputs.values()]
        question = asked[0] if len(asked) == 1 else "\n".join(
            f"{name}: {as_text(value)}" for name, value in case.inputs.items()
        )  # fmt: skip
        return {
            **case.inputs,
            "question": question,
            "answer": as_text(cell.output),
            "expected": "" if case.expected is None else as_text(case.expected),
            "rubric": self.rubric,
        }

    async def _said(self, given: Mapping[str, Any], output: str, env: Environment) -> Any:
        ready = self._prepared(env)
        names = {field.name for _, field in flow_inputs(ready.resolved)}
        inputs = {name: value for name, value in given.items() if name in names}
        run = Run(LoadedFlow(self.flow, self.folder), inputs, env, prepared=ready)
        outputs = (await ended(run, None, None)).outputs
        if output not in outputs and len(outputs) != 1:
            raise wrong_check(
                f'The check "{self.name}" gave no "{output}".',
                f'Name the flow\'s output "{output}"; it gave: {", ".join(outputs) or "nothing"}.',
            )
        return outputs.get(output, next(iter(outputs.values()), None))

    def _prepared(self, env: Environment) -> Prepared:
        place = env.catalog, env.variables
        if place not in self._ready:
            self._ready[place] = prepare(self.flow, env.catalog, self.folder, (), env.variables)
        return self._ready[place]


def read_any_check(text: str, folder: Path) -> OutputCheck:
    """A check as people write it, those that are flows too.

    `similarity` (the cosine of MiniLM's vectors), `judge:RUBRIC`, `versus:RUBRIC` (against the
    first variant), `flow:FILE` (a judge of one's own), `flow:FILE:RUBRIC`.

    Raises:
        FlowError: there is no such check, or its file cannot be read.
    """
    from patchbay.flows.runs.defaults import default_catalog

    kind, _, more = text.partition(":")
    if kind not in JUDGES or (kind == "flow" and not more):
        return read_check(text, folder)
    if kind == "flow":
        name, _, rubric = more.partition(":")
        path = folder / name
    else:
        path, rubric = SHIPPED / f"{_FILES[kind]}.json", more
    try:
        flow = read_flow(path)
    except FlowError as error:
        why = error.problems[0]
        raise wrong_check(f'The check "{text}" needs {path}: {why.message}', why.fix) from error
    catalog = default_catalog()
    inputs = {field.name for _, field in flow_inputs(resolve_once(flow, catalog))}
    inside = flows_inside(flow, catalog, Subflows(catalog, path.parent))
    pair = {"first", "second"} <= inputs
    if not pair and "answer" not in inputs:
        raise wrong_check(
            f"{path.name} takes no answer, so it cannot be a check.",
            'Give it a flow input "answer" (or "first" and "second") and an output "score".',
        )
    needs = "expected" in inputs and kind in ("similarity", "flow")
    rubric = rubric.strip() or RUBRIC
    return FlowCheck(text, _unscored, needs, flow, inside, path.parent, rubric, pair)


def files_of_checks(texts: Sequence[str], folder: Path) -> tuple[list[LoadedFlow], list[Path]]:
    """The flows of one's own that checks are, and the other files that checks name.

    Raises:
        FlowError: such a flow cannot be read.
    """
    named = [(kind, more) for kind, _, more in (text.partition(":") for text in texts)]
    flows = [folder / more.partition(":")[0] for kind, more in named if kind == "flow"]
    files = [folder / more for kind, more in named if kind == "schema"]
    return [LoadedFlow(read_flow(path), path.parent, path) for path in flows], files


def bound(check: OutputCheck, first: str) -> OutputCheck:
    """The check for an experiment whose first variant has this key."""
    return replace(check, against=first) if isinstance(check, FlowCheck) and check.pair else check


def _unscored(given: Any, right: Any) -> float:
    raise AssertionError("a flow is asked for this score")


def _score(said: Any) -> float:
    if isinstance(said, Mapping):
        said = said.get("score")
    if isinstance(said, str):
        said = _last_share(said)
    if isinstance(said, bool):
        return float(said)
    if not isinstance(said, (int, float)) or not -1 <= said <= 1:
        shown = json.dumps(said, ensure_ascii=False, default=str)[:80]
        raise wrong_check(
            f"A check gave {shown}, which is no score.", "A score is a number from 0 to 1."
        )
    return max(0.0, float(said))  # a cosine may be negative: nothing in common


def _last_share(text: str) -> float | None:
    """The last number of a text, out of what it says is the most; None where it has none."""
    found = _NUMBER.findall(text)
    if not found:
        return None
    number, most, percent = found[-1]
    whole = 100.0 if percent else float(most or 1)
    return float(number) / whole if whole else None


def _better(said: Any) -> str:
    text = as_text(said.get("better") if isinstance(said, Mapping) else said).casefold()
    found = [word for word in ("first", "second") if word in text]
    return found[0] if len(found) == 1 else "tie"
