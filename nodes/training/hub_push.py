"""Files to a repository of a Hugging Face hub, by its own library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from patchbay.nodes.errors import NodeError
from patchbay.nodes.weights.hub import endpoint


def push(
    folder: Path, names: Sequence[str], repository: str, token: str, private: bool, message: str
) -> tuple[str, str]:
    """Push files as one commit; the repository is made where it is missing. Blocks.

    Args:
        folder: where they lie.
        names: which, as paths in it and in the repository.
        repository: owner/name.
        token: one that may write there.
        private: whether a repository that is made is private; one that is there stays as it is.
        message: what the commit says.

    Returns:
        The hash of the commit, and its address.

    Raises:
        NodeError: the hub cannot be reached, or refuses.
    """
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()  # they are written over what the command line says
    # The errors of whichever library it asks with, and the disk's.
    unreached = cast("tuple[type[Exception], ...]", HfHubHTTPError.__bases__)
    api = HfApi(endpoint=endpoint(), token=token, library_name="patchbay")
    operations = [CommitOperationAdd(name, str(folder / name)) for name in names]
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        made: Any = api.create_commit(repository, operations, commit_message=message)
    except HfHubHTTPError as error:
        raise _refused(repository, error) from None
    except unreached as error:
        raise NodeError(
            f"{endpoint()} cannot be reached: {str(error).rstrip('.')}.",
            fix="Check the network, or name another hub in HF_ENDPOINT.",
            code="training/hub-push",
        ) from None
    return str(made.oid), str(made.commit_url)


def _refused(repository: str, error: Any) -> NodeError:
    status = error.response.status_code if error.response is not None else 0
    said = (error.server_message or f"status {status}").rstrip(".")
    fix = "Look at the hub what is wrong with the repository."
    if status in (401, 403, 404):
        owner = repository.partition("/")[0]
        fix = f"Take a token that may write into repositories of {owner}, or another repository."
    return NodeError(
        f"{endpoint()} does not take it for {repository}: {said}.",
        fix=fix,
        param="token" if status in (401, 403) else "repository",
        code="training/hub-push",
        retry=status >= 500 or status == 429,
    )
