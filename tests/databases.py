"""`make test-databases`: SQL queries and the vector store against servers of their own.

PostgreSQL and MariaDB are Debian's packages, installed where they are missing and this is Debian
and root; pgvector is PGlite's, PostgreSQL built for WebAssembly, from npm. All live in a temporary
folder, are reached on this machine only, and are gone afterwards.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests import postgres

FILES = ("tests/nodes/records/test_servers.py", "tests/nodes/retrieval/test_pgvector.py")
PACKAGES = ("mariadb-server-core", "mariadb-client-core")
PGLITE = ("@electric-sql/pglite@0.5.14", "@electric-sql/pglite-socket@0.2.17",
          "@electric-sql/pglite-pgvector@0.0.15")  # fmt: skip
PYMYSQL = "pymysql==1.2.4"
SERVE = """
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
const db = await PGlite.create({ extensions: { vector } })
await db.exec('CREATE EXTENSION vector')
const server = new PGLiteSocketServer({
  db, port: Number(process.argv[2]), host: '127.0.0.1', maxConnections: 20
})
await server.start()
"""


def main() -> int:
    """Start the servers, run the tests on them with the arguments of pytest, stop them."""
    programs = postgres._programs()
    with contextlib.ExitStack() as stack:
        env = dict(os.environ)
        if programs is not None:
            env["PATCHBAY_TEST_POSTGRES"] = stack.enter_context(postgres.server(programs))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="patchbay-db-")))
        if _mariadb():
            _pip(folder / "python")
            env["PYTHONPATH"] = f"{env.get('PYTHONPATH', '')}{os.pathsep}{folder / 'python'}"
            env["PATCHBAY_TEST_MARIADB"] = stack.enter_context(mariadb(folder / "mariadb"))
        if shutil.which("npm"):
            env["PATCHBAY_TEST_PGVECTOR"] = stack.enter_context(pglite(folder / "pglite"))
        missing = [
            n for n in ("POSTGRES", "MARIADB", "PGVECTOR") if f"PATCHBAY_TEST_{n}" not in env
        ]
        command = [sys.executable, "-m", "pytest", "-n", "0", *(sys.argv[1:] or ["-q"]), *FILES]
        ended = subprocess.run(command, env=env).returncode
        if missing:
            print(f"Not tested, since there is no server: {', '.join(missing)}", file=sys.stderr)
        return ended or (1 if missing else 0)


def _mariadb() -> bool:
    if shutil.which("mariadbd") is None and shutil.which("apt-get") and os.geteuid() == 0:
        print("Installing Debian's MariaDB.", flush=True)
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        words = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *PACKAGES]
        subprocess.run(words, env=env, stdout=subprocess.DEVNULL)
    return shutil.which("mariadbd") is not None


def _pip(folder: Path) -> None:
    words = ["-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), PYMYSQL]
    subprocess.run([sys.executable, *words], check=True)


@contextlib.contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """A running MariaDB, and the address of an empty database on it."""
    folder.mkdir()
    user = postgres._user()
    name = user[0] if user else os.environ.get("USER", "")
    if user:
        folder.parent.chmod(0o755)
        shutil.chown(folder, *user)
    common = ["--no-defaults", f"--datadir={folder / 'data'}", f"--user={name}"]
    made = ["mariadb-install-db", *common, "--auth-root-authentication-method=normal"]
    subprocess.run([*made, "--skip-test-db"], check=True, stdout=subprocess.DEVNULL)
    place = folder / "socket"
    server = subprocess.Popen(
        ["mariadbd", *common, f"--socket={place}", "--skip-networking", "--secure-file-priv="],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _await(place.exists)
        client = ["mariadb", "--no-defaults", f"--socket={place}", "-uroot"]
        subprocess.run([*client, "-e", "create database shop"], check=True)
        yield f"mysql+pymysql://root@/shop?unix_socket={place}"
    finally:
        server.terminate()
        server.wait(30)


@contextlib.contextmanager
def pglite(folder: Path) -> Iterator[str]:
    """A running PostgreSQL with pgvector, and the address of an empty database on it."""
    folder.mkdir()
    (folder / "serve.mjs").write_text(SERVE, encoding="utf-8")
    (folder / "package.json").write_text("{}", encoding="utf-8")
    words = ["npm", "install", "--silent", "--no-audit", "--no-fund", *PGLITE]
    subprocess.run(words, cwd=folder, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(["node", "serve.mjs", str(port)], cwd=folder)
    try:
        _await(lambda: _answers(port))
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable"
    finally:
        server.terminate()
        server.wait(30)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _await(is_there: object) -> None:
    assert callable(is_there)
    for _ in range(600):
        if is_there():
            return
        time.sleep(0.1)
    raise TimeoutError("the server does not come up")


if __name__ == "__main__":
    sys.exit(main())
