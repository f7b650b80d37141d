"""The node `train.hub_data`: records of a data set of a Hugging Face hub."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Table
from patchbay.nodes.io.records import Record
from patchbay.nodes.training.hub_set import COMMIT, HubSet, chosen, fetched, hub_set
from patchbay.nodes.training.parquet_records import LARGEST, ParquetRows, size_of
from patchbay.nodes.values import as_text
from patchbay.nodes.weights.refs import Report
from patchbay.nodes.weights.reporter import reporter

SHOWN = 20
"""Records in the table."""


class HubData(Node):
    """Records of a data set of a Hugging Face hub, from its Parquet files, at one commit.

    A branch such as main is looked up, and the commit that it is now is written down; set that as
    the revision, and the rows stay what they are, also without a network. Only the files that are
    needed are fetched, once. Code of a data set never runs. Where a set has no Parquet of its own,
    the hub's is under refs/convert/parquet. HF_TOKEN and HF_ENDPOINT are honoured.
    """

    kind, version = "train.hub_data", 1
    title, family, icon = "Hub data set", "Training", "cloud"
    synonyms = ("hugging face", "huggingface", "dataset", "datasets", "parquet", "load dataset")
    requires = ("pyarrow",)

    class Params(NodeParams):
        name: str = Field("", max_length=200, pattern=r"^([\w.\-]{1,96}(/[\w.\-]{1,96})?)?$")
        """The data set as the hub calls it, such as owner/name."""
        revision: str = Field("main", min_length=1, max_length=200)
        """A commit of 40 characters; or a branch, which is whatever was pushed last."""
        subset: str = Field("", max_length=200)
        """Which part, where a set has several; the hub calls it a configuration."""
        split: str = Field("train", min_length=1, max_length=100)
        """Which rows: train, test, validation, or whatever it has."""
        columns: list[str] = Field([], max_length=100)
        """The columns that are read; empty: all that are no bytes."""
        rows: int = Field(1000, ge=1, le=100_000)
        """The most rows that are read, from the first one on."""
        label_names: bool = Field(True)
        """Give labels by their names, where the set says them, in place of their numbers."""

    class Outputs(Ports):
        records: JsonValue = port(doc="The rows, for *Instruction data*, *Preference data* …")
        commit: str = port(doc="The commit that was read, to be set as the revision.")
        report: Table = port(doc="What was read, under which licence.")
        table: Table = port(doc="The first rows, to look at.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """Set, part and split."""
        parts = (params.name or "no data set yet", params.subset, params.split)
        return " · ".join(part for part in parts if part)

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Only a commit names the same rows for ever."""
        return COMMIT.fullmatch(params.revision) is not None

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        if not params.name:
            raise NodeError(
                "No data set is named.",
                fix="Write its name as the hub has it, such as owner/name.",
                param="name",
                code="training/hub-set",
                retry=False,
            )
        found, records, left_out = await ctx.blocking(_read, params, reporter(ctx))
        if not COMMIT.fullmatch(params.revision):
            await ctx.warn(
                f"{params.revision} of {found.repo} is now {found.commit}; set that as the "
                "revision to have the same rows later."
            )
        if left_out:
            await ctx.warn(f"Columns that hold bytes are left out: {', '.join(left_out)}.")
        return self.Outputs(
            records=[dict(one) for one in records],
            commit=found.commit,
            report=_report(found, records, params),
            table=_table(records, params),
        )


def _read(params: HubData.Params, report: Report) -> tuple[HubSet, list[Record], list[str]]:
    found = hub_set(params.name, params.revision)
    records: list[Record] = []
    size, left_out = 0, list[str]()
    for file in chosen(found, params.subset, params.split):
        rows = ParquetRows(fetched(found, file, report), f"{found.repo}/{file.path}")
        try:
            columns = _columns(rows, params)
            left_out = [] if params.columns else sorted(rows.binary)
            for record in rows.read(columns, params.label_names):
                size += size_of(record)
                if size > LARGEST:
                    raise _too_large(len(records))
                records.append(record)
                if len(records) == params.rows:
                    return found, records, left_out
        finally:
            rows.close()
    if not records:
        raise NodeError(
            f"The split {params.split!r} of {found.repo!r} has no rows.",
            fix="Take another split.",
            param="split",
            code="training/hub-set",
            retry=False,
        )
    return found, records, left_out


def _columns(rows: ParquetRows, params: HubData.Params) -> list[str]:
    missing = [name for name in params.columns if name not in rows.columns]
    bytes_ = [name for name in params.columns if name in rows.binary]
    if missing or bytes_:
        why = "has no column" if missing else "holds bytes in the column"
        raise NodeError(
            f"The data set {params.name!r} {why} {(missing or bytes_)[0]!r}; it has: "
            f"{', '.join(name for name in rows.columns if name not in rows.binary)}.",
            fix="Name columns that it has, or none for all.",
            param="columns",
            code="training/hub-set",
            retry=False,
        )
    return params.columns or [name for name in rows.columns if name not in rows.binary]


def _too_large(rows: int) -> NodeError:
    return NodeError(
        f"The first {rows:,} rows fill {LARGEST:,} characters already.",
        fix="Read fewer rows, or only the columns that are needed.",
        param="rows",
        code="training/hub-set",
        retry=False,
    )


def _report(found: HubSet, records: list[Record], params: HubData.Params) -> Table:
    rows: list[tuple[str, JsonValue]] = [
        ("data set", found.repo),
        ("commit", found.commit),
        ("licence", found.license or "not said"),
        ("split", " / ".join(filter(None, (params.subset, params.split)))),
        ("rows read", len(records)),
        ("columns", ", ".join(records[0])),
    ]
    return Table(columns=("what", "value"), rows=tuple(rows), title="What was read")


def _table(records: list[Record], params: HubData.Params) -> Table:
    columns = tuple(records[0])
    shown: list[tuple[Any, ...]] = [
        tuple(as_text(one[name])[:500] if one[name] is not None else None for name in columns)
        for one in records[:SHOWN]
    ]
    return Table(columns=columns, rows=tuple(shown), title=f"The first rows of {params.name}")
