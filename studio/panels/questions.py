"""A question to a person, as it is drawn everywhere: what to look at, and the answer to give."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection
from typing import Any

import streamlit as st

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.inbox import AlreadyAnsweredError, OpenQuestion
from patchbay.nodes.questions import (
    ApprovalWanted,
    ChoiceWanted,
    DecisionWanted,
    EditWanted,
    FormWanted,
    Question,
)
from patchbay.nodes.units import ago, date
from patchbay.nodes.values import encode
from patchbay.studio.lenient_json import parse_lenient
from patchbay.studio.plain_text import plain
from patchbay.studio.runs import answering
from patchbay.studio.server import session
from patchbay.studio.server.editing import Refresh
from patchbay.studio.server.services import services
from patchbay.studio.views.values import show_value

BUTTONS = 6
"""Choices up to which each is a button of its own."""
REFUSED = "answer-refused"


def show_questions(run: str, done: Refresh, known: Collection[str] | None = None) -> None:
    """Draw the open questions of a run.

    Args:
        run: its id.
        done: reruns what depends on the run.
        known: the ids of those that the page knows of; nothing is looked up where it is empty.
    """
    if known is not None and not known:
        return
    for asked in services().history.inbox.open(run):
        with st.container(border=True):
            show_question(asked, f"ask:{run}", done)


def notices() -> None:
    """Say what became of an answer that was not taken."""
    for kind, text in session.recall(REFUSED, ()):
        (st.info if kind == "late" else st.error)(text)
    session.forget(REFUSED)


def stop_asking(run: str) -> None:
    """Stop a run that waits; say so where it waits no longer."""
    try:
        services().runner.stop(run)
    except FlowError as error:
        text = plain(" ".join(f"{problem.message} {problem.fix}" for problem in error.problems))
        session.remember(REFUSED, (*session.recall(REFUSED, ()), ("error", text)))


def asked_since(asked: OpenQuestion) -> str:
    """`asked 5 min ago, until 3 Nov 2026`."""
    until = f", until {date(asked.until, clock=True)}" if asked.until else ""
    return f"asked {ago(asked.asked_at)}{until}"


def show_question(asked: OpenQuestion, place: str, done: Refresh) -> None:
    """Draw one question. `place` makes its widgets' keys unique on the page."""
    key = f"{place}:{session.short_key(asked.run + asked.id)}"
    whom = f" :gray[for {plain(asked.whom)}]" if asked.whom else ""
    st.markdown(f"**{plain(asked.title)}**{whom}")
    if asked.until:
        st.caption(plain(asked_since(asked)))
    try:
        question = asked.question(services().catalog.value_types)
    except ValueError as error:
        st.error(plain(str(error)))
        return
    wants = question.wants
    if question.value is not None and not isinstance(wants, EditWanted):
        show_value(encode(question.value), f"{key}:value")
    match wants:
        case ApprovalWanted():
            _approval(asked, key, done)
        case ChoiceWanted(options=options):
            _choice(asked, options, key, done)
        case EditWanted():
            _edit(asked, question, wants, key, done)
        case FormWanted():
            _form(asked, wants, key, done)
        case DecisionWanted():
            _decision(asked, wants, key, done)


def send(asked: OpenQuestion, value: Any, done: Refresh, comment: str = "") -> None:
    """Answer, and say where that was not possible. For callbacks."""
    try:
        runner, me = services().runner, session.browser()
        answering.answer(runner, asked.run, asked.id, value, me, comment=comment.strip())
    except FlowError as error:
        kind = "late" if isinstance(error, AlreadyAnsweredError) else "wrong"
        texts = [(kind, plain(f"{p.message} {p.fix}")) for p in error.problems]
        session.remember(REFUSED, texts)
    done()


# --- by what is wanted ----------------------------------------------------------------------------


def _approval(asked: OpenQuestion, key: str, done: Refresh) -> None:
    st.text_input("Comment", key=f"{key}:comment", placeholder="Why, if you like")

    def say(yes: bool) -> None:
        send(asked, yes, done, st.session_state.get(f"{key}:comment", ""))

    with st.container(horizontal=True, gap="small"):
        st.button(
            "Approve", key=f"{key}:yes", type="primary", icon=":material/check:",
            on_click=say, args=(True,),
        )  # fmt: skip
        st.button("Reject", key=f"{key}:no", icon=":material/close:", on_click=say, args=(False,))


def _choice(asked: OpenQuestion, options: tuple[str, ...], key: str, done: Refresh) -> None:
    if len(options) > BUTTONS:
        st.selectbox("Choice", options, index=None, key=f"{key}:choice")

        def chosen() -> None:
            send(asked, st.session_state.get(f"{key}:choice"), done)

        st.button("Answer", key=f"{key}:send", type="primary", on_click=chosen)
        return
    with st.container(horizontal=True, gap="small"):
        for number, option in enumerate(options):
            st.button(
                plain(option), key=f"{key}:{number}", on_click=send, args=(asked, option, done)
            )


def _edit(
    asked: OpenQuestion, question: Question, wants: EditWanted, key: str, done: Refresh
) -> None:
    before = encode(question.value)
    if wants.of == "table" and isinstance(before, dict):
        _edit_table(asked, before, key, done)
        return
    text = before if wants.of == "text" else json.dumps(before, ensure_ascii=False, indent=2)
    shown = str(text)
    edited = st.text_area("The value", shown, key=f"{key}:edit", height=180)
    if edited != shown:
        st.caption("What you change")
        st.code(difference(shown, edited), language="diff", wrap_lines=True)

    def save() -> None:
        now = st.session_state.get(f"{key}:edit", shown)
        if wants.of == "text":
            send(asked, now, done)
            return
        value, error = parse_lenient(now)
        if error:
            session.remember(REFUSED, [("wrong", plain(f"This is not JSON: {error}"))])
            done()
            return
        send(asked, value, done)

    label = "Answer" if edited != shown else "Take it as it is"
    st.button(label, key=f"{key}:send", type="primary", on_click=save)


def _edit_table(asked: OpenQuestion, table: dict[str, Any], key: str, done: Refresh) -> None:
    columns = list(table["columns"])
    rows = [dict(zip(columns, row, strict=True)) for row in table["rows"]]
    edited = st.data_editor(rows, key=f"{key}:table", num_rows="dynamic", hide_index=True)
    now = [{name: row.get(name) for name in columns} for row in edited]
    if now != rows:
        st.caption("What you change")
        st.code(difference(_lines(rows), _lines(now)), language="diff", wrap_lines=True)

    def save() -> None:
        cells = [[row[name] for name in columns] for row in now]
        send(asked, {**table, "rows": cells}, done)

    st.button("Answer", key=f"{key}:send", type="primary", on_click=save)


def _lines(rows: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def difference(before: str, after: str) -> str:
    """Both texts line by line: `-` was, `+` is, and what stayed around them."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return "\n".join([line for line in list(lines)[2:] if not line.startswith("@@")])


def _form(asked: OpenQuestion, wants: FormWanted, key: str, done: Refresh) -> None:
    properties: Any = wants.schema.get("properties", {})
    required = wants.schema.get("required", [])
    for name, part in properties.items():
        needed = isinstance(required, list) and name in required
        _field(name, part, needed, f"{key}:field:{name}")

    def save() -> None:
        value: dict[str, Any] = {}
        for name, part in properties.items():
            given = st.session_state.get(f"{key}:field:{name}")
            value[name] = _typed(given, _inner(part))
        send(asked, value, done)

    st.button("Answer", key=f"{key}:send", type="primary", on_click=save)


def _inner(part: dict[str, Any]) -> dict[str, Any]:
    """The type of a field that may be left out."""
    kinds = [one for one in part.get("anyOf", ()) if one.get("type") != "null"]
    return {**part, **kinds[0]} if kinds else part


def _field(name: str, part: dict[str, Any], needed: bool, key: str) -> None:
    inner = _inner(part)
    label = plain(name) + (" *" if needed else "")
    about = part.get("description")
    kind = inner.get("type")
    options = inner.get("enum") or ([inner["const"]] if "const" in inner else None)
    if options:
        st.selectbox(label, options, index=None, key=key, help=about)
    elif kind == "boolean":
        st.segmented_control(
            label, [True, False], key=key, help=about, format_func=lambda v: "yes" if v else "no"
        )
    elif kind in ("integer", "number"):
        step: Any = 1 if kind == "integer" else 0.1
        st.number_input(label, value=None, step=step, key=key, help=about)
    elif kind == "array":
        st.text_area(f"{label} (one a line)", key=key, help=about)
    else:
        st.text_input(label, key=key, help=about)


def _typed(given: Any, part: dict[str, Any]) -> Any:
    if part.get("type") == "array":
        items = [line.strip() for line in str(given or "").splitlines() if line.strip()]
        inner = part.get("items", {}).get("type")
        return [parse_lenient(item)[0] if inner not in (None, "string") else item for item in items]
    if given in (None, ""):
        return None
    return int(given) if part.get("type") == "integer" else given


def _decision(asked: OpenQuestion, wants: DecisionWanted, key: str, done: Refresh) -> None:
    st.markdown(f"Tool :material/build: **{plain(wants.tool)}**")
    before = json.dumps(wants.arguments, ensure_ascii=False, indent=2)
    edited = st.text_area("Arguments", before, key=f"{key}:arguments", height=120)
    if edited != before:
        st.code(difference(before, edited), language="diff", wrap_lines=True)
    st.text_input(
        "Words for the model", key=f"{key}:words", placeholder="Why not, or the result to give"
    )

    def say(decision: str) -> None:
        value: dict[str, Any] = {"decision": decision}
        words = st.session_state.get(f"{key}:words", "")
        if decision in ("reject", "respond"):
            value["message"] = words
        if decision == "approve":
            now = st.session_state.get(f"{key}:arguments", before)
            if now != before:
                arguments, error = parse_lenient(now)
                if error:
                    session.remember(REFUSED, [("wrong", plain(f"This is not JSON: {error}"))])
                    done()
                    return
                value = {"decision": "edit", "arguments": arguments}
        send(asked, value, done)

    label = "Run it" if edited == before else "Run it with these"
    with st.container(horizontal=True, gap="small"):
        for name, words in (("approve", label), ("reject", "Reject"), ("respond", "Answer for it")):
            st.button(
                words, key=f"{key}:{name}", on_click=say, args=(name,),
                type="primary" if name == "approve" else "secondary",
            )  # fmt: skip
