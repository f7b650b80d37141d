"""What is said of an answer that is none, as JSON has it: the engine's words are of a terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from patchbay.flows.problems import FlowError
from patchbay.nodes.questions import Question

_WAYS: Mapping[str, str] = {
    "approval": '{"approve": true} or {"reject": "why"}',
    "choice": '{"choose": "…"}',
    "edit": '{"value": …}',
    "form": '{"form": {…}}',
    "decision": '{"approve": true}, {"reject": "why"}, {"value": {…}} with other arguments, or '
    '{"respond": "…"}',
}
"""How a question of each kind is answered at an address."""
_WRONG = "question/wrong-answer"
_NAMED = re.compile(r"\b(approve|reject|choose|value|form|respond)=")


def in_json(error: FlowError, question: Question) -> FlowError:
    """The problems of an answer, as a caller of an address can follow them."""
    if not any(problem.code == _WRONG for problem in error.problems):
        return error
    fix = f'The question "{question.title}" is still open. Send {_WAYS[question.wants.kind]}.'
    return FlowError(
        [
            replace(problem, message=_NAMED.sub(r'"\1"', problem.message), fix=fix)
            if problem.code == _WRONG
            else problem
            for problem in error.problems
        ]
    )
