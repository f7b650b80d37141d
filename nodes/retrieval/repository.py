"""The node `retrieval.repository`: the files of a local clone as documents."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from patchbay.nodes.contract import (
    Context,
    Field,
    JsonValue,
    Node,
    NodeError,
    NodeParams,
    Ports,
    port,
)
from patchbay.nodes.home import from_flow
from patchbay.nodes.io.files import quoted
from patchbay.nodes.text.patterns import fits
from patchbay.nodes.values import Document

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

LANGUAGES = {
    "py": "python", "js": "js", "jsx": "js", "mjs": "js", "ts": "ts", "tsx": "ts", "go": "go",
    "rs": "rust", "java": "java", "kt": "kotlin", "c": "c", "h": "c", "cc": "cpp", "cpp": "cpp",
    "hpp": "cpp", "cs": "csharp", "rb": "ruby", "php": "php", "swift": "swift", "scala": "scala",
    "lua": "lua", "hs": "haskell", "ex": "elixir", "exs": "elixir", "ps1": "powershell",
    "sol": "sol", "proto": "proto", "md": "markdown", "rst": "rst", "tex": "latex",
    "html": "html", "pl": "perl", "r": "r",
}  # fmt: skip
"""Endings of files → the language, as LangChain's splitters call it."""


class LoadRepository(Node):
    """Read the text files of a git repository that is on this machine.

    What `.gitignore` leaves out is left out, in subfolders too, and so are hidden files, links,
    files that are no text, and large ones. Each document remembers its path as `source`, its
    `language` and the `commit` that is checked out. No git program is run and nothing is fetched:
    the settings of a repository from elsewhere could have git start programs of its own.
    """

    kind, version = "retrieval.repository", 1
    title, family, icon = "Load a repository", "Retrieval", "code"
    synonyms = (
        "git", "github", "gitlab", "code", "source code", "repo", "clone", "document loader", "rag",
    )  # fmt: skip
    requires = ("pathspec",)

    class Params(NodeParams):
        path: str = Field("", max_length=4000, widget="folder")
        """The folder of the clone. A relative path starts at the folder of the flow."""
        patterns: list[str] = Field([], max_length=100)
        """Which files: *.py, or docs/*.md. Only * is special. Empty: all that are text."""
        without: list[str] = Field(["*.lock", "package-lock.json"], max_length=100)
        """Files that are left out besides, likewise."""
        limit_kb: float = Field(500, gt=0, le=100_000)
        """The largest file that is read, in kilobytes (1,000 bytes); larger ones are left out."""
        most_files: int = Field(2000, ge=1, le=100_000)
        """The most files that are read."""

    class Outputs(Ports):
        documents: list[Document] = port(doc="A document for each file, by path.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The folder and what of it."""
        return " · ".join(part for part in (params.path, ", ".join(params.patterns)) if part)

    @classmethod
    def content(cls, params: Params, folder: Path | None) -> JsonValue:
        """The hash of the files: a changed file is a changed result."""
        if not params.path.strip():
            return None
        root = _root(params, folder)
        digest = hashlib.sha256(commit_of(root).encode())
        for path, name in sorted(_files(root, params), key=lambda found: found[1]):
            data = _bytes(path, params)
            digest.update(f"{name} {hashlib.sha256(data or b'').hexdigest()}\n".encode())
        return digest.hexdigest()

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        """Read them."""
        root = _root(params, ctx.folder)
        files = sorted(await ctx.blocking(list, _files(root, params)), key=lambda found: found[1])
        if len(files) > params.most_files:
            raise NodeError(
                f"{quoted(root)} has {len(files):,} such files, more than {params.most_files:,}.",
                fix="Say with patterns which you want, or raise most_files.",
                code="retrieval/too-many-files",
                retry=False,
            )
        commit = await ctx.blocking(commit_of, root)
        documents: list[Document] = []
        left_out = 0
        for number, (path, name) in enumerate(files):
            await ctx.progress(f"Reading {name}", number, len(files))
            text = await ctx.blocking(_text, path, params)
            if text is None:
                left_out += 1
            elif text.strip():
                documents.append(Document(text=text, metadata=_about(name, commit)))
        if left_out:
            await ctx.warn(f"Left out, since they are no text or too large: {left_out:,} files.")
        if not documents:
            raise NodeError(
                f"{quoted(root)} holds no text file that is meant.",
                fix="Check the path, the patterns, and what .gitignore leaves out.",
                code="retrieval/no-files",
                retry=False,
            )
        return self.Outputs(documents=documents)


def _about(name: str, commit: str) -> dict[str, JsonValue]:
    about: dict[str, JsonValue] = {"source": name}
    if language := LANGUAGES.get(name.rsplit(".", 1)[-1].lower() if "." in name else ""):
        about["language"] = language
    if commit:
        about["commit"] = commit
    return about


def _root(params: LoadRepository.Params, folder: Path | None) -> Path:
    given = params.path.strip()
    root = from_flow(given, folder)
    if not given or not (root / ".git").exists():
        words = f"{quoted(root)} is no git repository: it has no .git."
        raise NodeError(
            words if given else "No folder is named.",
            fix="Name the folder of a clone that is on this machine.",
            param="path",
            code="retrieval/no-repository",
            retry=False,
        )
    return root


def _files(root: Path, params: LoadRepository.Params) -> Iterator[tuple[Path, str]]:
    """The files that are meant, each with its path in the repository."""
    rules: dict[str, GitIgnoreSpec] = {}
    for place, folders, names in os.walk(root):
        folder = Path(place).relative_to(root).as_posix()
        _read_rules(Path(place), folder, rules)
        within = "" if folder == "." else f"{folder}/"
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and not (Path(place) / name).is_symlink()
            and not (Path(place) / name / ".git").exists()
            and not _ignored(f"{within}{name}/", rules)
        ]
        for name in names:
            whole = f"{within}{name}"
            path = Path(place) / name
            if name.startswith(".") or path.is_symlink() or _ignored(whole, rules):
                continue
            if (not params.patterns or _fits(whole, params.patterns)) and not _fits(
                whole, params.without
            ):
                yield path, whole


def _fits(name: str, patterns: list[str]) -> bool:
    return any(fits(name, one) or fits(name.rsplit("/", 1)[-1], one) for one in patterns)


def _read_rules(place: Path, folder: str, rules: dict[str, GitIgnoreSpec]) -> None:
    from pathspec import GitIgnoreSpec

    lines: list[str] = []
    own = [place / ".gitignore"]
    if folder == ".":
        own.insert(0, place / ".git" / "info" / "exclude")
    for file in own:
        try:
            lines += file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
    if lines:
        rules["" if folder == "." else f"{folder}/"] = GitIgnoreSpec.from_lines(lines)


def _ignored(name: str, rules: dict[str, GitIgnoreSpec]) -> bool:
    """Whether git would leave a path out: the innermost .gitignore that says something decides."""
    for folder in sorted(rules, key=len, reverse=True):
        if name.startswith(folder):
            decided = rules[folder].check_file(name.removeprefix(folder)).include
            if decided is not None:
                return bool(decided)
    return False


def _bytes(path: Path, params: LoadRepository.Params) -> bytes | None:
    try:
        if path.stat().st_size > params.limit_kb * 1000:
            return None
        return path.read_bytes()
    except OSError:
        return None


def _text(path: Path, params: LoadRepository.Params) -> str | None:
    """The text of a file; None where it is none, too large, or not to be read."""
    data = _bytes(path, params)
    if data is None or b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def commit_of(root: Path) -> str:
    """The commit that is checked out, in hex; "" where there is none. Reads git's files itself."""
    git = root / ".git"
    try:
        if git.is_file():  # a worktree, or a submodule
            git = root / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref:"):
            return head
        name = head.removeprefix("ref:").strip()
        shared = git / "commondir"
        common = git / shared.read_text(encoding="utf-8").strip() if shared.is_file() else git
        for place in (git, common):
            if (place / name).is_file():
                return (place / name).read_text(encoding="utf-8").strip()
        for line in (common / "packed-refs").read_text(encoding="utf-8").splitlines():
            if line.endswith(f" {name}"):
                return line.split(" ", 1)[0]
    except (OSError, ValueError):
        pass
    return ""
