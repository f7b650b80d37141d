"""A way to Ray: one of this machine, which ends with us, or a cluster of the person's.

Ray's token authentication is on. For a Ray of this machine the token lies in Patchbay's home
folder, readable by its owner only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.wording import first_line
from patchbay.nodes.home import home


@dataclass(frozen=True, slots=True)
class RayNode:
    """A machine of a Ray: its name, and what it has for actors. Memory is in bytes."""

    host: str
    cores: float
    memory: float
    gpus: float


@dataclass(frozen=True, slots=True)
class RayConnection:
    """A Ray that has been reached. `own` ends with `close`; to a `named` one an address led."""

    ray: Any
    own: bool
    named: bool = False

    def nodes(self) -> list[RayNode]:
        """The machines that it has now."""
        return [
            RayNode(
                node["NodeManagerHostname"], has.get("CPU", 0.0), has.get("memory", 0.0),
                has.get("GPU", 0.0),
            )
            for node in self.ray.nodes()
            if node["Alive"] and (has := node["Resources"]) is not None
        ]  # fmt: skip

    def has_others(self) -> bool:
        """Whether some of it is, or may be, on another machine than this process."""
        return self.named or not self.own or len(self.nodes()) > 1

    @property
    def cores(self) -> int:
        """Cores of all machines together."""
        return int(self.ray.cluster_resources().get("CPU", 1))

    def close(self) -> None:
        """Let it go; it ends where it is ours."""
        if self.own:
            self.ray.shutdown()


def connect(address: str = "", workers: int = 0) -> RayConnection:
    """Reach Ray, or start one of this machine.

    Args:
        address: `ray://head:10001`; "" for the one that RAY_ADDRESS names, or one of this machine.
        workers: how many cores a Ray that is started has; as many as the machine unless given.

    Raises:
        FlowError: Ray is not installed, or cannot be reached.
    """
    address = address or os.environ.get("RAY_ADDRESS", "")
    _authenticate(address)
    try:
        import ray
    except ImportError:
        fix = "pip install 'patchbay-studio[ray]'"
        raise refused("batch/ray", "Ray is not installed.", fix) from None
    return RayConnection(ray, _connected(ray, address, workers), bool(address))


def refused(code: str, message: str, fix: str) -> FlowError:
    """Why it does not begin."""
    return FlowError([Problem(code, message, fix)])


def _connected(ray: Any, address: str, workers: int) -> bool:
    if ray.is_initialized():
        return False
    paths = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    common: dict[str, Any] = {"log_to_driver": False, "runtime_env": {"env_vars": paths}}
    try:
        if address:
            ray.init(address=address, **common)
        else:
            # "local": else it goes to one whose address a Ray of before has left in /tmp/ray.
            ray.init("local", num_cpus=workers or None, include_dashboard=False, **common)
    except Exception as error:  # Ray raises what its transport raises
        where = address or "this machine"
        message = f"Ray at {where} cannot be reached: {first_line(error)}."
        raise refused("batch/ray", message, "Check it.") from None
    return True


def _authenticate(address: str) -> None:
    """Have Ray ask for a token: before it is imported, which is when it looks."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if "RAY_AUTH_TOKEN" not in os.environ and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(_token_file(new=not address))


def _token_file(new: bool) -> Path:
    """Where the token of our Rays lies, readable by its owner only; the person's for another's."""
    if not new:
        return Path.home() / ".ray" / "auth_token"
    import secrets

    from patchbay.nodes.atomic import write_atomic

    path = home() / "ray" / "auth_token"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        write_atomic(path, secrets.token_hex(32))
    return path
