"""One widget per param, kept in step with the document in both directions.

A widget writes to the document in its callback. When the document is changed elsewhere (undo,
another tab, a fix button), the widget starts anew from what the document holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import streamlit as st

from patchbay.flows.wording import plural
from patchbay.studio.inspector.declared import FieldSpec, Shape
from patchbay.studio.inspector.tables import Write, draw_table, label_of
from patchbay.studio.lenient_json import parse_loose
from patchbay.studio.server import session
from patchbay.studio.words import plain


def draw(spec: FieldSpec, value: Any, name: str, write: Write, folder: Path | None) -> None:
    """Draw the widget of a param.

    Args:
        spec: the field.
        value: what the document holds now.
        name: names the widget; unique for node and param.
        write: called with a new value.
        folder: where the flow lies, for fields that name files beside it.
    """
    DRAWERS[spec.shape](spec, value, name, write, folder)
    if spec.unknown:
        st.caption(
            f'The node asks for the widget "{plain(spec.unknown)}", which this studio does not '
            "have. It is drawn as its type says."
        )


def undrawn(words: Iterable[str]) -> dict[str, str]:
    """The widgets among `words` that no file draws, and the file that should."""
    return {word: str(Path(__file__).name) for word in words if word not in DRAWERS}


# --- text and numbers ---------------------------------------------------------------------------


def _draw_text(spec: FieldSpec, value: Any, name: str, write: Write, _: Path | None) -> None:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    key = session.widget_key(name, value)

    def changed() -> None:
        typed = st.session_state[key] or ""
        new = None if spec.nullable and not typed else typed
        if session.widget_gave(name, key, new):
            write(new)

    if spec.shape in ("textarea", "code"):
        lines = min(14, max(3, text.count("\n") + len(text) // 42 + 2))
        st.text_area(
            label_of(spec), text, key=key, help=spec.doc, on_change=changed, height=lines * 24
        )
    else:
        st.text_input(label_of(spec), text, key=key, help=spec.doc, on_change=changed, live=True)


def _draw_code(spec: FieldSpec, value: Any, name: str, write: Write, folder: Path | None) -> None:
    """A grammar, a template: letters of one width (see `assets/studio.css`)."""
    with st.container(key=f"code-{session.short_key(name)}"):
        _draw_text(spec, value, name, write, folder)


def _draw_number(spec: FieldSpec, value: Any, name: str, write: Write, _: Path | None) -> None:
    whole = spec.shape == "integer"
    cast: Callable[[Any], Any] = int if whole else float
    low = None if spec.minimum is None else cast(spec.minimum)
    high = None if spec.maximum is None else cast(spec.maximum)
    number = cast(value) if _is_number(value) else None
    if number is not None and not _within(number, low, high):
        low, high = None, None  # the document holds what it may not: show it, with its problem
    key = session.widget_key(name, value)

    def changed() -> None:
        new = st.session_state[key]
        if new is None and not spec.nullable:
            new = spec.default
        elif isinstance(new, float) and new.is_integer() and isinstance(spec.default, int):
            new = int(new)
        if session.widget_gave(name, key, new):
            write(new)

    st.number_input(
        label_of(spec), low, high, number, key=key, help=spec.doc, on_change=changed,
        step=1 if whole else _step(spec), format=None if whole else "%g",
        placeholder="not set" if spec.nullable else None,
    )  # fmt: skip


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _within(number: float, low: float | None, high: float | None) -> bool:
    return (low is None or number >= low) and (high is None or number <= high)


def _step(spec: FieldSpec) -> float:
    if spec.minimum is not None and spec.maximum is not None and spec.maximum - spec.minimum <= 5:
        return 0.1
    return 1.0


def _draw_slider(spec: FieldSpec, value: Any, name: str, write: Write, folder: Path | None) -> None:
    low, high = spec.minimum, spec.maximum
    if low is None or high is None or not _is_number(value) or not _within(value, low, high):
        _draw_number(spec, value, name, write, folder)
        return
    whole = all(isinstance(n, int) for n in (low, high, spec.default))
    cast: Callable[[Any], Any] = int if whole else float
    key = session.widget_key(name, value)

    def changed() -> None:
        new = st.session_state[key]
        if session.widget_gave(name, key, new):
            write(new)

    st.slider(
        label_of(spec), cast(low), cast(high), cast(value), key=key, help=spec.doc,
        step=1 if whole else (0.01 if high - low <= 1 else 0.05 if high - low <= 5 else 1.0),
        on_change=changed,
    )  # fmt: skip


# --- choices ------------------------------------------------------------------------------------


def _draw_switch(spec: FieldSpec, value: Any, name: str, write: Write, _: Path | None) -> None:
    key = session.widget_key(name, value)

    def changed() -> None:
        if session.widget_gave(name, key, st.session_state[key]):
            write(st.session_state[key])

    st.toggle(label_of(spec), bool(value), key=key, help=spec.doc, on_change=changed)


def _draw_choice(spec: FieldSpec, value: Any, name: str, write: Write, _: Path | None) -> None:
    options = list(spec.choices)
    if value is not None and value not in options:
        options.append(value)
    key = session.widget_key(name, value)

    def changed() -> None:
        if session.widget_gave(name, key, st.session_state[key]):
            write(st.session_state[key])

    st.selectbox(
        label_of(spec), options, options.index(value) if value in options else None, key=key,
        help=spec.doc, on_change=changed, format_func=str,
    )  # fmt: skip


def draw_named(spec: FieldSpec, value: Any, name: str, write: Write, names: dict[str, str]) -> None:
    """A choice among known names, or a name that is typed in."""
    options = list(names)
    if value and value not in options:
        options.append(value)
    key = session.widget_key(name, value)

    def changed() -> None:
        new = st.session_state[key] or ""
        if session.widget_gave(name, key, new):
            write(new)

    st.selectbox(
        label_of(spec), options, options.index(value) if value in options else None, key=key,
        help=spec.doc, accept_new_options=True, on_change=changed, placeholder="Choose, or type",
        format_func=lambda option: names.get(option, str(option)),
    )  # fmt: skip


def _draw_model(spec: FieldSpec, value: Any, name: str, write: Write, _: Path | None) -> None:
    from patchbay.nodes.units import size_in_words
    from patchbay.nodes.weights.resolve import listing

    names = {}
    known = listing()
    folders = spec.default in {info.name for info in known if info.is_folder}
    for info in (info for info in known if info.is_folder == folders):
        here = "on this machine" if info.present else "fetched on first use"
        names[info.name] = f"{info.name} ({here}, {size_in_words(info.size)})"
    draw_named(spec, value, name, write, names)


def _draw_adapter(spec: FieldSpec, value: Any, name: str, write: Write, _: Path | None) -> None:
    from patchbay.nodes.models.transformers.adapter import shipped

    draw_named(spec, value, name, write, {one: f"{one} (comes with Patchbay)" for one in shipped()})


def _draw_flow(spec: FieldSpec, value: Any, name: str, write: Write, folder: Path | None) -> None:
    names = sorted(path.stem for path in folder.glob("*.json")) if folder else []
    draw_named(spec, value, name, write, {name: name for name in names})


def _draw_file(spec: FieldSpec, value: Any, name: str, write: Write, folder: Path | None) -> None:
    _draw_text(spec, value, name, write, folder)
    if isinstance(value, str) and value:
        path = Path(value).expanduser()
        path = path if path.is_absolute() or folder is None else folder / path
        st.caption(_there(path, wanted="folder" if spec.shape == "folder" else "file"))


def _there(path: Path, wanted: str) -> str:
    """Whether the file or folder of a field is there, and what is in it."""
    try:
        if wanted == "folder":
            if not path.is_dir():
                return "There is no such folder here."
            return f"The folder is there, with {plural(sum(1 for _ in path.iterdir()), 'entry')}."
        return "The file is there." if path.is_file() else "There is no such file here."
    except OSError as error:
        return f"The {wanted} cannot be looked at: {plain(error.strerror or str(error))}."


def _draw_secret(spec: FieldSpec, value: Any, name: str, write: Write, _: Path | None) -> None:
    from patchbay.flows.runs.secrets import Secrets

    named = value.get("secret", "") if isinstance(value, dict) else ""
    key = session.widget_key(name, value)

    def changed() -> None:
        typed = (st.session_state[key] or "").strip()
        new = {"secret": typed} if typed else None
        if session.widget_gave(name, key, new):
            write(new)

    st.text_input(
        label_of(spec), named, key=key, on_change=changed, placeholder="NAME_OF_THE_VARIABLE",
        help=f"{spec.doc}\n\nThe name of a secret, never the secret itself.",
    )  # fmt: skip
    if named:
        there = Secrets().find(named) is not None
        st.caption(f"{plain(named)} is {'set' if there else 'not set on this machine'}.")


# --- JSON ---------------------------------------------------------------------------------------


def _draw_rows(spec: FieldSpec, value: Any, name: str, write: Write, _: Path | None) -> None:
    if not draw_table(spec, value, name, write):
        _draw_json(spec, value, name, write, None)
        st.caption("What is stored here is no table, so it is shown as JSON.")


def _draw_json(spec: FieldSpec, value: Any, name: str, write: Write, _: Path | None) -> None:
    if isinstance(value, str) and not _reads_as_json(value):
        text = value
    else:
        text = "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)
    key = session.widget_key(name, value)

    def changed() -> None:
        new, error = parse_loose(st.session_state[key] or "")
        session.remember(f"{key}:error", error)
        if not error and session.widget_gave(name, key, new):
            write(new)

    st.text_area(
        label_of(spec), text, key=key, on_change=changed,
        height=min(300, 68 + 22 * text.count("\n")),
        help=f"{spec.doc}\n\nJSON; what is not JSON is taken as text.",
    )  # fmt: skip
    if error := session.recall(f"{key}:error"):
        st.error(plain(error))


def _reads_as_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


DRAWERS: dict[Shape, Callable[[FieldSpec, Any, str, Write, Path | None], None]] = {
    "text": _draw_text,
    "textarea": _draw_text,
    "code": _draw_code,
    "integer": _draw_number,
    "number": _draw_number,
    "slider": _draw_slider,
    "switch": _draw_switch,
    "choice": _draw_choice,
    "list": _draw_rows,
    "table": _draw_rows,
    "mapping": _draw_rows,
    "json": _draw_json,
    "secret": _draw_secret,
    "file": _draw_file,
    "folder": _draw_file,
    "model": _draw_model,
    "adapter": _draw_adapter,
    "flow": _draw_flow,
}
"""One for every shape; `tests/studio/test_fields.py` says when one is missing."""
