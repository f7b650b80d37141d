"""One training at a time in this process, and one process at a time for each training.

Trainers seed the random numbers of the whole process, so two at once would take each other's. The
work is done in a thread of its own: a person who stops the run does not wait for the step at hand,
which ends, leaves a checkpoint, and lets the next one in.
"""

from __future__ import annotations

import contextlib
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import TypeVar

from patchbay.nodes import gpus
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.errors import memory_ran_out, of_a_gpu, out_of_memory
from patchbay.nodes.training.place import TrainingPlace, unwritable
from patchbay.nodes.training.watching import Watch

T = TypeVar("T")

_ALONE = threading.Lock()
_LOOK_S = 0.1


def apart(watch: Watch, work: Callable[[], T]) -> T:
    """Do the work in a thread of its own, and wait for it.

    Where the wait is interrupted, the watch is told to stop the work, which goes on to the end of
    its step.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def inner() -> None:
        try:
            done.append(work())
        except BaseException as error:  # raised where it is waited for
            failed.append(error)

    thread = threading.Thread(target=inner, name="patchbay-training", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_LOOK_S)
    except BaseException:
        watch.cancelled.set()
        raise
    if failed:
        raise failed[0]
    return done[0]


@contextlib.contextmanager
def alone(place: TrainingPlace, watch: Watch) -> Iterator[None]:
    """Have the process, and the folder of a training, to oneself.

    Raises:
        NodeError: the disk or the memory does not suffice.
    """
    from filelock import FileLock, Timeout

    while not _ALONE.acquire(timeout=_LOOK_S):
        watch.report("waiting for another training", 0, None)
        _leave_if(watch)
    try:
        place.begin()
        lock = FileLock(place.folder / ".lock")
        while True:
            try:
                lock.acquire(timeout=_LOOK_S)
                break
            except Timeout:
                watch.report("another process is at this training", 0, None)
                _leave_if(watch)
        try:
            with _in_words(place):
                yield
        finally:
            lock.release()
            gpus.give_back()
    finally:
        _ALONE.release()


@contextlib.contextmanager
def random_numbers_given_back() -> Iterator[None]:
    """A training seeds the numbers of the whole process; others get theirs back."""
    import numpy as np
    import torch

    state = np.random.get_state()
    cards = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=cards):
        try:
            yield
        finally:
            np.random.set_state(state)


@contextlib.contextmanager
def _in_words(place: TrainingPlace) -> Iterator[None]:
    try:
        yield
    except NodeError:
        raise
    except OSError as error:
        raise unwritable(place.folder, error) from error
    except (MemoryError, RuntimeError) as error:
        said = str(error).lower()
        if memory_ran_out(error):
            # What was computed would stay in memory as long as somebody remembers the error.
            traceback.clear_frames(error.__traceback__)
            raise out_of_memory("Training", gpu=of_a_gpu(error)) from error
        if "unexpected pos" in said or "file write failed" in said:  # torch's words for a full disk
            raise unwritable(place.folder, OSError(28, "No space left on device")) from error
        raise


def _leave_if(watch: Watch) -> None:
    if watch.cancelled.is_set():
        raise NodeError("The training was stopped.", code="training/stopped", retry=False)
