"""`make test-postgres`: the tests of what keeps runs, on a PostgreSQL server of their own.

The server is Debian's package; where it is missing and this is Debian and root, it is installed.
It lives in a temporary folder, is reached by a socket there only, and is gone afterwards.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

DEBIAN = "/usr/lib/postgresql"
PACKAGE = "postgresql"
FILES = (
    "tests/flows/runs/test_answers_in_python.py",
    "tests/flows/runs/test_history.py",
    "tests/flows/runs/test_journal.py",
    "tests/flows/runs/test_pruning.py",
    "tests/flows/runs/test_answers.py",
    "tests/flows/runs/test_deadlines.py",
    "tests/flows/runs/test_questions.py",
    "tests/flows/runs/test_questions_inside.py",
    "tests/flows/runs/test_taking_over.py",
    "tests/flows/runs/test_remembering.py",
    "tests/flows/runs/test_said_before.py",
    "tests/flows/runs/test_server_store.py",
    "tests/flows/runs/test_steps.py",
    "tests/flows/runs/test_stopping.py",
    "tests/flows/runs/test_threads.py",
    "tests/nodes/agents/test_ask_first.py",
    "tests/nodes/agents/test_human_input.py",
    "tests/crash/test_crash.py",
    "tests/browser/test_people.py",
)


def main() -> int:
    """Start a server, run the tests on it with the arguments of pytest, stop it."""
    programs = _programs()
    if programs is None:
        print("PostgreSQL's programs (initdb, pg_ctl) are not here and could not be installed. "
              f"On Debian, as root: apt-get install {PACKAGE}", file=sys.stderr)  # fmt: skip
        return 1
    with server(programs) as address:
        command = [sys.executable, "-m", "pytest", *(sys.argv[1:] or ["-q"]), *FILES]
        return subprocess.run(
            command, env={**os.environ, "PATCHBAY_TEST_SERVER": address}
        ).returncode


@contextlib.contextmanager
def server(programs: Path) -> Iterator[str]:
    """A running server, and the address of an empty database on it."""
    with tempfile.TemporaryDirectory(prefix="patchbay-postgres-") as name:
        folder = Path(name)
        user = _user()
        if user:
            shutil.chown(folder, *user)
        data, said = folder / "data", folder / "said.log"
        options = f"-c listen_addresses= -c unix_socket_directories={folder}"
        options += " -c fsync=off -c max_connections=500"
        _do(user, programs / "initdb", "-D", data, "-U", "patchbay", "-A", "trust", "-E", "UTF8")
        _do(user, programs / "pg_ctl", "-D", data, "-w", "-l", said, "-o", options, "start")
        try:
            yield f"postgresql+psycopg://patchbay@/postgres?host={folder}"
        finally:
            _do(user, programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _programs() -> Path | None:
    """The folder of initdb and pg_ctl; installs Debian's package where there is none."""
    if (found := _found()) is None and shutil.which("apt-get") and os.geteuid() == 0:
        print(f"Installing Debian's package {PACKAGE}.", flush=True)
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update", "-qq"], ["install", "-qq", "-y", PACKAGE]):
            subprocess.run(["apt-get", *words], env=env, stdout=subprocess.DEVNULL)
        found = _found()
    return found


def _found() -> Path | None:
    versions = [path for path in Path(DEBIAN).glob("*/bin") if (path / "pg_ctl").exists()]
    if versions:
        return max(versions, key=lambda path: float(path.parent.name))
    on_path = shutil.which("pg_ctl")
    return Path(on_path).resolve().parent if on_path else None


def _user() -> tuple[str, str] | None:
    """Who the server runs as, where that cannot be root: user and group."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return name, _group(pwd.getpwnam(name).pw_gid)
    return None


def _group(number: int) -> str:
    import grp

    return grp.getgrgid(number).gr_name


def _do(user: tuple[str, str] | None, *words: object) -> None:
    """Run one of its programs.

    Raises:
        SystemExit: it failed; says what it said.
    """
    who: Mapping[str, str] = {"user": user[0], "group": user[1]} if user else {}
    command = [str(word) for word in words]
    with tempfile.TemporaryFile() as told:  # a server that stays holds a pipe open
        ended = (
            subprocess.run(
                command, stdout=told, stderr=subprocess.STDOUT, cwd="/", extra_groups=[], **who
            )
            if user
            else subprocess.run(command, stdout=told, stderr=subprocess.STDOUT, cwd="/")
        )
        if ended.returncode:
            told.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{told.read().decode(errors='replace')}")


if __name__ == "__main__":
    sys.exit(main())
