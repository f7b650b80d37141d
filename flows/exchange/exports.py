"""Every form that a flow can be exported to, in one table: for the command and for the studio."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.catalog import Catalog

Files = dict[str, str]


def _python(flow: Flow, catalog: Catalog, stem: str) -> Files:
    from patchbay.flows.exchange.python_script import to_python

    return {f"{stem}.py": to_python(flow, catalog)}


def _notebook(flow: Flow, catalog: Catalog, stem: str) -> Files:
    from patchbay.flows.exchange.notebook import to_notebook

    return {f"{stem}.ipynb": to_notebook(flow, catalog)}


def _langgraph(flow: Flow, catalog: Catalog, stem: str) -> Files:
    from patchbay.flows.exchange.langgraph_script import to_langgraph

    return {f"{stem}_langgraph.py": to_langgraph(flow, catalog)}


def _haystack(flow: Flow, catalog: Catalog, stem: str) -> Files:
    from patchbay.flows.exchange.other_files import to_haystack

    return {f"{stem}.haystack.yaml": to_haystack(flow, catalog)}


def _crewai(flow: Flow, catalog: Catalog, stem: str) -> Files:
    from patchbay.flows.exchange.other_files import to_crewai

    return to_crewai(flow, catalog)


def _mermaid(flow: Flow, catalog: Catalog, stem: str) -> Files:
    from patchbay.flows.exchange.mermaid import to_mermaid

    return {f"{stem}.mmd": to_mermaid(flow, catalog)}


FORMS: Mapping[str, tuple[str, Callable[[Flow, Catalog, str], Files]]] = {
    "python": ("Python script", _python),
    "notebook": ("Jupyter notebook", _notebook),
    "langgraph": ("LangGraph graph", _langgraph),
    "haystack": ("Haystack pipeline", _haystack),
    "crewai": ("CrewAI agents.yaml and tasks.yaml", _crewai),
    "mermaid": ("Mermaid diagram", _mermaid),
}
"""Form → what people call it, and what writes it."""


def exported(flow: Flow, form: str, catalog: Catalog, stem: str = "flow") -> Files:
    """The files of a flow in another form, by name.

    Raises:
        FlowError: the flow cannot be said in that form; every node in the way is named.
    """
    if form not in FORMS:
        fix = f"There are: {', '.join(FORMS)}."
        raise FlowError([Problem("usage", f"There is no export to {form!r}.", fix)])
    return FORMS[form][1](flow, catalog, stem)
