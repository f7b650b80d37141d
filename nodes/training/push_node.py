"""The node `train.push`: an exported model goes to a hub, if a person says yes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Table
from patchbay.nodes.home import offline
from patchbay.nodes.models.transformers.trained import ABOUT
from patchbay.nodes.questions import ApprovalWanted, Question
from patchbay.nodes.training.hub_push import push
from patchbay.nodes.units import size_in_words
from patchbay.nodes.values import SecretRef
from patchbay.nodes.weights.digest import sha256_of
from patchbay.nodes.weights.hub import endpoint
from patchbay.nodes.weights.refs import quiet

TOKEN = "HF_TOKEN"  # noqa: S105 - its name
_SHOWN = 12
"""Characters of a hash that a person is shown."""


class PushToHub(Node):
    """Push an exported model to a Hugging Face hub, after a person has said yes.

    Only a folder that *Export model* wrote is pushed, with the token of the person who runs the
    flow, and into a private repository unless you say otherwise. The question names every file, its
    size and its hash: one that has changed by the time of the answer is asked about anew. After a
    no nothing has left this machine. HF_ENDPOINT is honoured.
    """

    kind, version = "train.push", 1
    title, family, icon = "Push to a hub", "Training", "cloud"
    synonyms = ("hugging face", "huggingface", "upload", "publish", "share", "push_to_hub")
    requires = ("huggingface_hub",)
    deterministic = False

    class Params(NodeParams):
        repository: str = Field("", max_length=200, pattern=r"^([\w.\-]{1,96}/[\w.\-]{1,96})?$")
        """Where it goes, such as owner/name; made where it is missing."""
        token: SecretRef | None = Field(None, widget="secret")
        """A token that may write there; by default the secret HF_TOKEN."""
        private: bool = Field(True)
        """Whether a repository that is made is for you and those you let in alone."""
        message: str = Field("Exported by Patchbay", min_length=1, max_length=500)
        """What the commit says."""
        whom: str = Field("", max_length=200)
        """Who is asked, in words: `the owner`, `Ada`. Anybody who sees it may answer."""
        within_hours: float | None = Field(None, gt=0, le=24 * 366)
        """Hours until it is too late; then it fails. Empty: it waits as long as it takes."""

    class Inputs(Ports):
        path: str = port(doc="The folder, from *Export model*.")

    class Outputs(Ports):
        address: str = port(doc="The commit on the hub. Nothing where the person said no.")
        commit: str = port(doc="Its hash, for hf:owner/name/file@commit.")
        files: Table = port(doc="What was asked about.")

    @classmethod
    def asks(cls, params: Params) -> bool:
        """Always."""
        return True

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Never: what a person said of one run is not said of the next."""
        return False

    @classmethod
    def summary(cls, params: Params) -> str:
        """Where it goes, and who can see it."""
        where = params.repository or "no repository yet"
        return f"{where}, {'private' if params.private else 'for everybody'}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        if not params.repository:
            raise NodeError(
                "No repository is named.",
                fix="Write where it goes, such as owner/name.",
                param="repository",
                code="training/hub-push",
                retry=False,
            )
        if offline():
            raise NodeError(
                "PATCHBAY_OFFLINE is set: nothing is pushed.",
                fix="Unset it, on a machine with internet.",
                code="weights/offline",
                retry=False,
            )
        token = ctx.secret(params.token or SecretRef(secret=TOKEN))
        folder = Path(inputs.path)
        files = await ctx.blocking(_listed, folder)
        answer = await ctx.ask(_question(params, files))
        if not answer.approved:
            said = f": {answer.comment}" if answer.comment else "."
            await ctx.warn(f"{answer.author} said no{said} Nothing was pushed.")
            declined: dict[str, Any] = {"files": files}
            return self.Outputs(**declined)
        pushing = partial(_pushed, token, folder)  # the token is no part of what is recorded
        commit, address = await ctx.once(
            f"push to {params.repository}", pushing, [list(row) for row in files.rows],
            params.repository, params.private, params.message, remade=True,
        )  # fmt: skip
        return self.Outputs(address=address, commit=commit, files=files)


def _pushed(
    token: str, folder: Path, rows: list[Any], repository: str, private: bool, message: str
) -> list[str]:
    return list(push(folder, [row[0] for row in rows], repository, token, private, message))


def _listed(folder: Path) -> Table:
    """The files of a folder that was exported here. Links are left out: they may lead anywhere.

    Raises:
        NodeError: it was not exported here.
    """
    if not (folder / ABOUT).is_file():
        raise NodeError(
            f"{folder} was not written by Export model, so it is not pushed.",
            fix="Wire the path of Export model into it.",
            port="path",
            code="training/hub-push",
            retry=False,
        )
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
    rows: list[tuple[JsonValue, ...]] = [
        (
            path.relative_to(folder).as_posix(),
            path.stat().st_size,
            sha256_of(path, quiet)[:_SHOWN],
        )
        for path in paths
    ]
    total = size_in_words(sum(path.stat().st_size for path in paths))
    title = f"{folder.name}: {total}"
    return Table(columns=("file", "bytes", "sha256"), rows=tuple(rows), title=title)


def _question(params: PushToHub.Params, files: Table) -> Question:
    seen = "a private repository" if params.private else "a repository that everybody can read"
    what = f"Push {files.title} to {params.repository} at {endpoint()}, {seen}?"
    seconds = None if params.within_hours is None else params.within_hours * 3600
    return Question(what, ApprovalWanted(), files, whom=params.whom, within_s=seconds)
