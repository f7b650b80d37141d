"""The browser's `apply` does what flows/document/edit.py does, for random flows and edits."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from playwright.sync_api import Browser

from patchbay.flows.document.edit import EditError, apply
from patchbay.flows.document.model import Flow
from patchbay.flows.document.operations import dump_operation
from patchbay.studio.documents.timeline import dump_flow
from patchbay.studio.server.frontend import script_file
from tests.browser.harness import Server, another
from tests.flows.document.test_edit import flows, operations

RUN = """async ([url, cases]) => {
  const { apply, whole } = await import(url);
  return cases.map(([flow, op]) => {
    try { return apply(whole(flow), op); } catch (error) { return null; }
  });
}"""


def test_both_twins_agree(bare: Server, browser: Browser):
    cases: list[tuple[Flow, Any]] = []

    @settings(
        max_examples=400,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(flows(), operations)
    def collect(flow: Flow, op: Any) -> None:
        cases.append((flow, op))

    collect()
    page = another(browser).new_page()
    page.goto(f"{bare.url}/_stcore/health")
    sent = [(dump_flow(flow), dump_operation(op)) for flow, op in cases]
    results = page.evaluate(RUN, [f"{bare.url}/app/static/{script_file('canvas')}", sent])
    page.context.close()
    agreed = 0
    for (flow, op), result in zip(cases, results, strict=True):
        try:
            expected = apply(flow, op)
        except EditError:
            expected = None
        got = None if result is None else Flow.model_validate(_plain(result))
        assert dumped(got) == dumped(expected), op
        agreed += expected is not None
    assert agreed > 50


def _plain(flow: dict[str, Any]) -> dict[str, Any]:
    """JavaScript writes an unset title as null, which is what it means here too."""
    return {key: value for key, value in flow.items() if value is not None}


def dumped(flow: Flow | None) -> Any:
    """What differs is easier to see in plain data."""
    return flow and flow.model_dump(mode="json")
