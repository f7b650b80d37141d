"""Runs a server, and ends it when whoever started it is gone.

    python -m patchbay.nodes.models.servers.vllm.keeper COMMAND…

What it inherits as its input is the end of a pipe: when the other end closes, so that its starter
has let the server go or was killed, the server is ended with all the processes that it began.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

PATIENCE_S = 15.0
"""How long a server may take to end by itself."""


def main(command: list[str]) -> int:
    """Run the command until it ends or nobody wants it any more. Gives its exit status."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 1):
                pass
        _end(process)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: _end(process))
    threading.Thread(target=watch, daemon=True).start()
    status = process.wait()
    _signal(process, signal.SIGKILL)  # whatever it began and left behind
    return status


def _end(process: subprocess.Popen[bytes]) -> None:
    _signal(process, signal.SIGTERM)
    late = threading.Timer(PATIENCE_S, _signal, (process, signal.SIGKILL))
    late.daemon = True
    late.start()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the server and all that it began: they are one group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
