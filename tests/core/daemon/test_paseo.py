"""Taking over a Paseo home: what is taken, what is left, and when it is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sereno.core.agents.auditing import verify_audit
from sereno.core.config import load_config
from sereno.core.daemon.paseo import find_paseo_home, take_over
from sereno.core.daemon.paseo_settings import NotPaseos, translate
from sereno.core.home import DaemonLock, Home, HomeError, prepare
from sereno.core.home import pairings as files
from sereno.core.store import audit as audit_table
from sereno.core.store import meta
from sereno.core.store import pairings as store
from sereno.core.store.database import Database
from sereno.relay_client.keypair import KeyPair
from tests.core.daemon.pairing_house import house

PAIR = KeyPair.of(bytes(range(32)))
ID = "srv_AAECAwQFBgcI"
HASH = "$2b$12$WApznUOJfkEGSmYRfnkrPOr466oFDCaj4b6HY3EXGvfxm43seyhgC"
PROVIDERS: dict[str, Any] = {
    "mine": {
        "extends": "acp",
        "label": "Mine",
        "command": ["mine", "--acp"],
        "env": {"A": "b"},
        "additionalModels": [
            {
                "id": "m",
                "label": "M",
                "isDefault": True,
                "thinkingOptions": [{"id": "high", "label": "High"}],
            }
        ],
    },
    "claude": {"disallowedTools": ["WebSearch"], "command": {"mode": "append", "args": ["-x"]}},
    "codex": {"command": {"mode": "replace", "argv": ["/opt/codex"]}},
    "broken": {"extends": "no-such-thing", "label": "B"},
}
CONFIG: dict[str, Any] = {
    "version": 1,
    "daemon": {
        "listen": "127.0.0.1:7777",
        "hostnames": [".example.com"],
        "cors": {"allowedOrigins": ["https://app.paseo.sh", "https://mine.example"]},
        "relay": {"enabled": True, "endpoint": "relay.example:8787"},
        "auth": {"password": HASH},
        "mcp": {"enabled": True},
    },
    "app": {"baseUrl": "https://app.paseo.sh"},
    "agents": {"providers": PROVIDERS},
    "log": {"level": "debug", "file": {"level": "trace"}},
}


@pytest.fixture
def paseo(tmp_path: Path) -> Path:
    folder = tmp_path / "paseo"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    (folder / "server-id").write_text(ID + "\n")
    (folder / "daemon-keypair.json").write_bytes(PAIR.encode())
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


async def test_c14_id_and_keys_are_this_daemons_afterwards(home: Home, paseo: Path) -> None:
    before = {one.name: one.read_bytes() for one in paseo.iterdir()}
    taken = await _take_over(home, paseo, relay=True)
    assert (taken["server_id"], taken["pairing"], taken["relay"]) == (ID, "taken", True)
    path = files.daemon_key_path(home)
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyPair.decode(path.read_bytes()) == PAIR
    assert {one.name: one.read_bytes() for one in paseo.iterdir()} == before
    database = Database(home.database)
    await database.open()
    assert await database.read(lambda c: meta.get(c, "server_id")) == ID
    (row,) = await database.read(store.pairings)
    assert (row.server_id, row.kind, row.state) == (ID, "paseo", "paired")
    (entry,) = await database.read(lambda c: audit_table.newest(c, 9))
    assert entry.action == "paseo.import"
    assert HASH not in entry.details
    assert (await verify_audit(database)).ok
    await database.close()
    async with house(home.root) as opened:
        assert opened.pairings.secret(ID) == PAIR.secret
        await opened.glance(ID, "cid_of_a_phone")
        (question,) = (await opened.state()).questions
        assert question.kind == "paseo"


async def _take_over(home: Home, paseo: Path, *, relay: bool) -> dict[str, Any]:
    """In a thread, as it runs a loop of its own."""
    import anyio.to_thread
    import msgspec

    taken = await anyio.to_thread.run_sync(lambda: take_over(home, paseo, {}, relay=relay))
    return msgspec.structs.asdict(taken)


def test_settings_are_taken_and_what_has_no_place_is_named(home: Home, paseo: Path) -> None:
    taken = take_over(home, paseo, {}, relay=True)
    config = load_config(home, {})
    daemon = config.daemon
    assert daemon.listen == ("127.0.0.1:7777",)
    assert daemon.hostnames == (".example.com",)
    assert daemon.cors.allowed_origins == ("https://mine.example",)
    assert (daemon.relay.enabled, daemon.relay.endpoint) == (True, "relay.example:8787")
    assert daemon.auth.password == HASH
    assert config.log.level == "debug"
    assert set(config.providers) == {"mine", "claude", "codex"}
    mine = config.providers["mine"]
    assert (mine.command, dict(mine.env)) == (("mine", "--acp"), {"A": "b"})
    assert mine.additional_models[0].thinking_options[0].id == "high"
    assert config.providers["claude"].disallowed_tools == ("WebSearch",)
    assert config.providers["claude"].command == ()
    assert config.providers["codex"].command == ("/opt/codex",)
    assert set(taken.left) == {
        "daemon.mcp.enabled",
        "log.file.level",
        "providers.broken",
        "agents.providers.claude.command",
    }
    assert all(taken.left.values())


def test_a_second_time_changes_nothing(home: Home, paseo: Path) -> None:
    take_over(home, paseo, {}, relay=True)
    text = home.config.read_bytes()
    again = take_over(home, paseo, {}, relay=True)
    assert (again.pairing, again.settings) == ("already", ())
    assert "daemon.listen" in again.kept
    assert home.config.read_bytes() == text


def test_the_relay_stays_off_unless_it_is_asked_for(home: Home, paseo: Path) -> None:
    taken = take_over(home, paseo, {}, relay=False)
    assert (taken.pairing, taken.relay) == ("taken", False)
    assert not load_config(home, {}).daemon.relay.enabled
    later = take_over(home, paseo, {}, relay=True)
    assert (later.pairing, later.relay) == ("already", True)
    assert later.settings == ("daemon.relay.enabled",)


def test_what_is_set_here_stays_with_its_comments(home: Home, paseo: Path) -> None:
    prepare(home)
    ours = '# mine\n[daemon]\nlisten = ["127.0.0.1:0"]  # kept\n[providers.mine]\ncommand = ["a"]\n'
    home.config.write_text(ours)
    home.config.chmod(0o600)
    taken = take_over(home, paseo, {}, relay=True)
    assert set(taken.kept) == {"daemon.listen", "providers.mine"}
    text = home.config.read_text()
    assert "# mine" in text
    assert "# kept" in text
    config = load_config(home, {})
    assert config.daemon.listen == ("127.0.0.1:0",)
    assert config.providers["mine"].command == ("a",)


@pytest.mark.parametrize("password", [True, False])
def test_an_open_address_is_taken_with_its_password_only(
    home: Home, paseo: Path, password: bool
) -> None:
    daemon: dict[str, Any] = {"listen": "0.0.0.0:7777"}
    if password:
        daemon["auth"] = {"password": HASH}
    (paseo / "config.json").write_text(json.dumps({"daemon": daemon}))
    taken = take_over(home, paseo, {}, relay=False)
    assert ("daemon.listen" in taken.settings) is password
    assert ("daemon.listen" in taken.left) is not password


def test_a_home_that_was_never_paired_gives_its_settings(home: Home, paseo: Path) -> None:
    (paseo / "daemon-keypair.json").unlink()
    taken = take_over(home, paseo, {}, relay=True)
    assert (taken.server_id, taken.pairing, taken.relay) == (None, "none", False)
    assert load_config(home, {}).daemon.listen == ("127.0.0.1:7777",)


def test_the_id_of_the_variable_wins(home: Home, paseo: Path) -> None:
    taken = take_over(home, paseo, {"PASEO_SERVER_ID": " my own id "}, relay=False)
    assert taken.server_id == "my own id"


# Refusals, by which nothing is changed


def refused(home: Home, paseo: Path) -> HomeError:
    with pytest.raises(HomeError) as caught:
        take_over(home, paseo, {}, relay=True)
    assert caught.value.next_step
    assert not home.config.exists()
    assert not files.daemon_key_path(home).exists()
    assert not home.database.exists()
    return caught.value


def test_it_refuses_while_paseo_runs(home: Home, paseo: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        (paseo / "paseo.pid").write_text(json.dumps({"pid": process.pid}))
        error = refused(home, paseo)
        assert error.code == "paseo_runs"
        assert str(process.pid) in error.message
        process.communicate(b"\n", 10)
    assert take_over(home, paseo, {}, relay=True).pairing == "taken", "a file that was left behind"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": -1}', '{"pid": true}', "nonsense"])
def test_it_refuses_where_nobody_can_tell_whether_paseo_runs(
    home: Home, paseo: Path, text: str
) -> None:
    (paseo / "paseo.pid").write_text(text)
    assert refused(home, paseo).code == "paseo_runs"


def test_it_refuses_while_a_daemon_of_this_home_runs(home: Home, paseo: Path) -> None:
    prepare(home)
    with DaemonLock(home):
        assert refused(home, paseo).code == "locked"


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("daemon-keypair.json", b"{}", "paseo_damaged"),
        ("daemon-keypair.json", PAIR.encode().replace(b'"v": 2', b'"v": 1'), "paseo_damaged"),
        ("config.json", b"{", "paseo_damaged"),
        ("config.json", b"[1]", "paseo_damaged"),
        ("server-id", b"a\x00b", "paseo_damaged"),
    ],
)
def test_c14_damage_is_refused(home: Home, paseo: Path, name: str, text: bytes, code: str) -> None:
    (paseo / name).write_bytes(text)
    assert refused(home, paseo).code == code


def test_a_folder_that_is_no_paseo_home_is_refused(home: Home, tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        assert refused(home, folder).code == "no_paseo"


def test_another_paseo_home_is_refused_once_one_was_taken_over(home: Home, paseo: Path) -> None:
    take_over(home, paseo, {}, relay=True)
    (paseo / "daemon-keypair.json").write_bytes(KeyPair.of(b"\7" * 32).encode())
    with pytest.raises(HomeError) as caught:
        take_over(home, paseo, {}, relay=True)
    assert caught.value.code == "other_keys"
    assert KeyPair.decode(files.daemon_key_path(home).read_bytes()) == PAIR


def test_where_paseo_lives() -> None:
    assert find_paseo_home({"PASEO_HOME": "/x"}) == Path("/x")
    assert find_paseo_home({}) == Path(os.path.expanduser("~/.paseo"))
    assert find_paseo_home({"PASEO_HOME": "~/p"}) == Path(os.path.expanduser("~/p"))


@pytest.mark.parametrize("text", [b"{", b"[]", b"1", b"\xff", b"[" * 100_000])
def test_what_is_no_configuration_is_said(text: bytes) -> None:
    with pytest.raises(NotPaseos):
        translate(text)


def test_an_empty_configuration_means_paseos_defaults() -> None:
    found = translate(b"")
    assert (found.settings, found.left, found.relay) == ({}, {}, True)
    assert not translate(b'{"daemon":{"relay":{"enabled":false}}}').relay
