"""What a run gets unless told otherwise: installed nodes, one pool a process, the cache on disk."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path

from patchbay.flows.runs.cache import FolderCache
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.resources import Pool
from patchbay.nodes.catalog import Catalog, load_catalog
from patchbay.nodes.home import cache_dir


@cache
def default_catalog() -> Catalog:
    """The nodes that are installed. Loaded once per process."""
    return load_catalog()


_pool_lock = threading.Lock()
_pool: Pool | None = None


def default_pool() -> Pool:
    """The process's pool of opened models."""
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = Pool()
        return _pool


def default_environment(
    *, catalog: Catalog | None = None, use_cache: bool = True, folder: Path | None = None
) -> Environment:
    """What a run gets unless told otherwise: installed nodes, shared pool, the cache on disk."""
    catalog = default_catalog() if catalog is None else catalog
    store = FolderCache(cache_dir() / "results", catalog.value_types) if use_cache else None
    return Environment(catalog, default_pool(), cache=store, folder=folder)
