"""`sereno import-paseo`: what it says, in words and as JSON, and that it writes no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sereno.core.home import DaemonLock, Home, prepare
from sereno.relay_client.keypair import KeyPair
from sereno.tui.cli import exits
from tests.tui.cli.conftest import Run

PAIR = KeyPair.of(bytes(range(32)))


@pytest.fixture
def paseo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "paseo"
    folder.mkdir()
    (folder / "server-id").write_text("srv_AAECAwQFBgcI\n")
    (folder / "daemon-keypair.json").write_bytes(PAIR.encode())
    (folder / "config.json").write_text('{"version":1,"daemon":{"mcp":{"enabled":true}}}')
    monkeypatch.setenv("PASEO_HOME", str(folder))
    return folder


def test_a_paseo_home_is_taken_over(sereno: Run, home: Path, paseo: Path) -> None:
    first = sereno("import-paseo")
    assert first.code == exits.OK
    assert "pairing is taken over" in first.out
    assert "daemon.mcp.enabled" in first.out
    assert "relay is off" in first.out
    second = sereno("import-paseo", "--relay", "--json", "--from", str(paseo))
    found = json.loads(second.out)
    assert (found["id"], found["pairing"], found["relay"]) == ("srv_AAECAwQFBgcI", "already", True)
    assert sereno("import-paseo", "-q").out == "srv_AAECAwQFBgcI\n"
    key = json.loads(PAIR.encode())["secretKeyB64"]
    assert key not in first.out + second.out + first.err + second.err
    assert (home / "daemon-keypair.json").read_bytes() == PAIR.encode()


def test_a_refusal_names_the_next_step(sereno: Run, home: Path, paseo: Path) -> None:
    prepare(Home(home))
    with DaemonLock(Home(home)):
        refused = sereno("import-paseo", "--relay")
    assert refused.code != exits.OK
    assert "a daemon of this home runs. Stop it with `sereno daemon stop`" in refused.err
    assert "second one" not in refused.err
    nothing = sereno("import-paseo", "--from", str(home), "--json")
    assert nothing.code == exits.USAGE
    assert json.loads(nothing.err)["code"] == "no_paseo"
