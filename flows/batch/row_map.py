"""Which column goes into which input, and which columns an output row has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from patchbay.flows.batch.rows import RowCells, Rows, bad, first_row
from patchbay.flows.checks.resolve import Resolved
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.inputs import flow_inputs, flow_outputs


@dataclass(frozen=True)
class RowMap:
    """Inputs by column, values that all rows share, and what is kept of a row."""

    columns: Mapping[str, str]
    """Input → column."""
    shared: Mapping[str, Any]
    """Input → a value for all rows."""
    keep: tuple[str, ...] | None
    """Columns that are written beside the outputs; None for all."""
    perhaps: tuple[str, ...] = ()
    """Inputs that have a value of their own, and get the column of their name of the rows that have
    it."""
    unseen: set[str] = field(default_factory=set)
    """Columns that are to be kept, and that no row had so far."""
    outputs: frozenset[str] = frozenset()
    """What no column may be called that stands beside the outputs."""

    def given(self, cells: RowCells) -> dict[str, Any]:
        """The inputs of a row.

        Raises:
            FlowError: it lacks a column, or has one that is called like an output.
        """
        self.refuse_same_names(cells)
        try:
            found = {name: cells[column] for name, column in self.columns.items()}
        except KeyError as error:
            there = ", ".join(map(str, cells)) or "none"
            raise FlowError([Problem(
                "batch/no-column", f'The row has no column "{error.args[0]}"; it has: {there}.',
                "Complete the row, or map another column.",
            )]) from None  # fmt: skip
        if self.perhaps:
            found.update({name: cells[name] for name in self.perhaps if name in cells})
            if not found:
                raise FlowError([_nothing_mapped(self.perhaps, cells, "The row")])
        return {**self.shared, **found} if self.shared else found

    def refuse_same_names(self, cells: RowCells) -> None:
        """Check that no output would be written over a column of a row.

        Raises:
            FlowError: these would.
        """
        if not self.outputs.isdisjoint(cells):
            raise FlowError([_same_name(n, "the row") for n in cells if n in self.outputs])

    def kept(self, cells: RowCells) -> dict[str, Any]:
        """What of a row stands beside its outputs."""
        if self.keep is None:
            return dict(cells)
        found = {name: cells.get(name) for name in self.keep}
        if self.unseen:
            self.unseen.difference_update(cells)
        return found


def make_row_map(
    resolved: Resolved,
    columns: tuple[str, ...] | None,
    wanted: Mapping[str, str],
    shared: Mapping[str, Any],
    keep: Iterable[str] | None,
) -> RowMap:
    """Look at what was asked for, against the flow and the table. Inputs that nobody names get the
    column of the same name.

    Args:
        resolved: the flow.
        columns: those of the table; None where each row has its own.
        wanted: input → column.
        shared: input → a value for all rows.
        keep: columns to write beside the outputs; None for all.

    Raises:
        FlowError: everything that does not fit, each with the names that would.
    """
    inputs = {field.name: field for _, field in flow_inputs(resolved)}
    problems = [
        _no("input", "The flow", name, inputs) for name in (*wanted, *shared) if name not in inputs
    ]
    found = dict(wanted)
    perhaps: list[str] = []
    for name, one in inputs.items():
        if name in found or name in shared:
            continue
        if columns is None or name in columns:
            if columns is not None or one.required:
                found[name] = name
            else:
                perhaps.append(name)
        elif one.required:
            problems.append(Problem(
                "batch/unmapped", f'No column is mapped to the input "{name}". '
                f"Columns: {_listed(columns)}.", f"Add --map {name}=COLUMN, or --input {name}=….",
            ))  # fmt: skip
    if columns is not None and not found and not problems:
        left = [name for name in inputs if name not in shared]
        problems += [_nothing_mapped(left, columns, "The table")] if left else []
    asked = (*found.values(), *(keep or ())) if columns is not None else ()
    there = columns or ()
    problems += [_no("column", "The table", name, there) for name in asked if name not in there]
    kept = tuple(keep) if keep is not None else None
    outputs = flow_outputs(resolved)
    beside = (columns or ()) if kept is None else kept
    problems += [_same_name(name) for name in outputs if name in beside]
    if not outputs:
        problems.append(Problem("batch/no-outputs", "The flow gives nothing.", "Add an output."))
    if problems:
        raise FlowError(dict.fromkeys(problems))
    unseen = set(kept or ()) if columns is None else set()
    unlike = frozenset(outputs) if columns is None and kept is None else frozenset()
    return RowMap(found, dict(shared), kept, tuple(perhaps), unseen, unlike)


def refuse_first_row(rows: Rows, row_map: RowMap) -> None:
    """Look at the first row of a source whose rows have columns of their own.

    Raises:
        FlowError: a column of it would be lost, and of those that follow as a rule.
    """
    if row_map.outputs and isinstance(first := first_row(rows), dict):
        row_map.refuse_same_names(first)


def _nothing_mapped(inputs: Iterable[str], columns: Iterable[Any], owner: str) -> Problem:
    """All inputs could take their defaults; then every row would be the same."""
    names = list(inputs)
    return Problem(
        "batch/unmapped",
        f"{owner} has no column for an input of the flow ({_listed(names)}); it has: "
        f"{_listed(map(str, columns)) or 'none'}.",
        f"Add --map {names[0]}=COLUMN, or give --input {names[0]}=….",
    )


def _same_name(name: str, owner: str = "the table") -> Problem:
    return Problem(
        "batch/same-name",
        f'"{name}" is a column of {owner} and an output of the flow.',
        "Name the columns to keep with --keep, without it, or rename one.",
    )


def read_map(given: Iterable[str]) -> dict[str, str]:
    """`--map input=column`, read.

    Raises:
        FlowError: one is not of that form.
    """
    found: dict[str, str] = {}
    for text in given:
        name, equals, column = text.partition("=")
        if not equals or not name.strip() or not column:
            message = f"--map {text!r} is not input=column."
            raise bad("usage", message, "--map review=text")
        name = name.strip()
        if name in found:
            message = f'"{name}" is mapped twice: to "{found[name]}" and "{column}".'
            raise bad("usage", message, "Leave one --map out.")
        found[name] = column
    return found


def _no(what: str, owner: str, name: str, there: Iterable[str]) -> Problem:
    names = list(there)
    near = get_close_matches(name, names, 1)
    code = "batch/no-input" if what == "input" else "batch/no-column"
    return Problem(
        code,
        f'{owner} has no {what} "{name}"; it has: {_listed(names)}.',
        f'Did you mean "{near[0]}"?' if near else f"Name one of these {what}s.",
    )


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:20]) + (f" and {len(found) - 20} more" if len(found) > 20 else "")
