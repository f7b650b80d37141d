"""Search a Hugging Face hub for GGUF files. See https://huggingface.co/docs/hub/api."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import offline
from patchbay.nodes.weights.hub import endpoint, key_headers

ASK_S = 15.0
"""Seconds that an answer may take."""


@dataclass(frozen=True, slots=True)
class HubModel:
    """A repository that a search found."""

    repo: str
    downloads: int
    license: str
    """As the repository says; "" where it does not."""
    gated: bool
    """Whether somebody has to agree to terms there first."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A GGUF file of a repository. `sha256` is the hub's own, "" where it gives none."""

    repo: str
    name: str
    size: int
    sha256: str

    @property
    def reference(self) -> str:
        """What `weights` of a node is set to: pinned by the hub's hash."""
        pin = f"#sha256={self.sha256}" if self.sha256 else ""
        return f"hf:{self.repo}/{self.name}{pin}"


def search_hub(words: str, limit: int = 20, env: Mapping[str, str] = os.environ) -> list[HubModel]:
    """Repositories with GGUF files, the most fetched first. Blocks for up to 15 s.

    Raises:
        NodeError: the hub cannot be reached, refuses, or is none.
    """
    asked = {"search": words, "filter": "gguf", "sort": "downloads", "direction": "-1"}
    found = _asked("/api/models", {**asked, "limit": str(limit), "full": "true"}, env)
    return [model for told in found if (model := _model(told))]


def hub_files(repo: str, env: Mapping[str, str] = os.environ) -> list[HubFile]:
    """The GGUF files of a repository, the smallest first. Blocks for up to 15 s.

    Raises:
        NodeError: as above.
    """
    found = _asked(f"/api/models/{quote(repo)}/tree/main", {"recursive": "true"}, env)
    files = [file for told in found if (file := _file(repo, told))]
    return sorted(files, key=lambda file: (file.size, file.name))


def _model(told: Any) -> HubModel | None:
    try:
        tags = [str(tag) for tag in told.get("tags") or ()]
        licenses = [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
        return HubModel(
            str(told.get("id") or told["modelId"]),
            int(told.get("downloads") or 0),
            licenses[0] if licenses else "",
            bool(told.get("gated")),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _file(repo: str, told: Any) -> HubFile | None:
    try:
        name = str(told["path"])
        if told.get("type") != "file" or not name.endswith(".gguf"):
            return None
        large = told.get("lfs") or {}
        digest = str(large.get("oid") or "").removeprefix("sha256:")
        size = int(large.get("size") or told.get("size") or 0)
        return HubFile(repo, name, size, digest if len(digest) == 64 else "")
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _asked(path: str, params: Mapping[str, str], env: Mapping[str, str]) -> list[Any]:
    found = hub_json(path, params, env)
    if not isinstance(found, list):
        raise no_hub(env)
    return found


def no_hub(env: Mapping[str, str]) -> NodeError:
    """Something answers, and not as a hub would."""
    return NodeError(
        f"{endpoint(env)} answers, but not as a Hugging Face hub does.",
        fix="Check HF_ENDPOINT.",
        code="weights/refused",
        retry=False,
    )


def hub_json(path: str, params: Mapping[str, str], env: Mapping[str, str]) -> Any:
    """What the hub's API says; None where it is no JSON. Blocks for up to 15 s.

    Raises:
        NodeError: the hub cannot be reached, or refuses; `code` is weights/offline where it may not
            be asked.
    """
    import httpx

    hub = endpoint(env)
    if offline(env):
        raise NodeError(
            "The hub is not asked: PATCHBAY_OFFLINE or HF_HUB_OFFLINE is set.",
            fix="Unset it to search. The catalogue and what is on this machine need no hub.",
            code="weights/offline",
            retry=False,
        )
    try:
        answer = httpx.get(
            f"{hub}{path}", params=dict(params), headers=key_headers(env), timeout=ASK_S
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NodeError(
            f"The hub at {hub} cannot be reached: {error}.",
            fix="Check the network, or name another hub in HF_ENDPOINT. The catalogue and what is "
            "on this machine need none.",
            code="weights/unreachable",
        ) from error
    if answer.status_code != 200:
        raise NodeError(
            f"The hub at {hub} answered {answer.status_code}.",
            fix="Set HF_TOKEN where it asks for access."
            if answer.status_code in (401, 403)
            else "Try again later.",
            code="weights/refused",
        )
    try:
        return answer.json()
    except ValueError:
        return None
