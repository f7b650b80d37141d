"""`patchbay mcp`: servers of the settings, and bad names. Signing in: tests/nodes/mcp."""

from __future__ import annotations

from pathlib import Path

from tests.flows.cli.conftest import Patchbay


def test_servers_are_listed_and_strange_ones_refused(tmp_path: Path, patchbay: Patchbay) -> None:
    assert "no servers" in patchbay("mcp").stdout
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    (home / "settings.toml").write_text(
        '[mcp.servers.notes]\ncommand = "x"\n[mcp.servers.bank]\nurl = "http://127.0.0.1:1/mcp"\n'
    )
    listed = patchbay("mcp").stdout.splitlines()
    assert listed == ["notes  x", "bank  http://127.0.0.1:1/mcp  not signed in"]
    program = patchbay("mcp", "login", "notes")
    assert (program.returncode, "needs no sign-in" in program.stderr) == (1, True)
    gone = patchbay("mcp", "login", "bank", "--no-browser")
    assert (gone.returncode, "does not work" in gone.stderr) == (1, True)
    unknown = patchbay("mcp", "login", "nobody")
    assert "There is no MCP server 'nobody'" in unknown.stderr
    assert "Nobody was signed in" in patchbay("mcp", "logout", "bank").stdout
    (home / "settings.toml").write_text("[mcp")
    assert "cannot be read" in patchbay("mcp").stderr
