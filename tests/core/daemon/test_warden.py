"""The security page's daemon side: a real daemon, its own socket, a TCP client beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.client.blocking import SyncClient
from sereno.core.client.errors import RpcError
from sereno.core.client.target import parse_target
from sereno.core.home import Home, prepare
from sereno.core.protocol.security import (
    ChangeSecurity,
    ChangeSecurityResult,
    ReadSecurity,
    ReadSecurityResult,
    RotateToken,
    RotateTokenResult,
    SecurityState,
    SetPassword,
    SetPasswordResult,
    TryHost,
    TryHostResult,
)
from tests.core.daemon.daemon_house import daemon, tidy
from tests.core.daemon.net import bearer, get, port_of

PASSWORD = "a-long-enough-password"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One daemon for all tests here; each puts back what it changed."""
    root = tmp_path_factory.mktemp("warden") / "home"
    with tidy(Home(root)) as made:
        prepare(made)
        made.config.write_text('# mine\n[daemon]\nlisten = ["127.0.0.1:0"]  # kept\n')
        made.config.chmod(0o600)
        with daemon(made, env={"SERENO_LISTEN": ""}):
            yield made


@pytest.fixture
def owner(home: Home) -> Iterator[SyncClient]:
    with SyncClient.open(home) as client:
        yield client


def state(owner: SyncClient) -> SecurityState:
    found = owner.request(ReadSecurity(request_id=""))
    assert isinstance(found, ReadSecurityResult)
    return found.state


def change(owner: SyncClient, **what: object) -> ChangeSecurityResult:
    found = owner.request(ChangeSecurity(request_id="", **what))  # type: ignore[arg-type]
    assert isinstance(found, ChangeSecurityResult)
    return found


def test_what_stands_is_shown(home: Home, owner: SyncClient) -> None:
    found = state(owner)
    assert found.socket == str(home.socket)
    assert found.listen == ["127.0.0.1:0"]
    assert [door.open for door in found.doors] == [[f"127.0.0.1:{port_of(home)}"]]
    assert (found.password_set, found.loopback, found.tls) == (False, "same-user", False)
    assert found.token_made_at is not None
    assert found.forced == {}
    assert [(one.way, one.proof, one.role) for one in found.guests] == [("unix", "local", "owner")]
    assert {one.level for one in found.checks} == {"ok"}
    assert any("audit's chain holds" in one.text for one in found.checks)


def test_hostnames_are_changed_tried_and_kept(home: Home, owner: SyncClient) -> None:
    host = "box.example.com:6767"
    assert get(port_of(home), Host=host)[0] == 403
    tried = owner.request(TryHost(request_id="", host=host, hostnames=[".example.com"]))
    assert isinstance(tried, TryHostResult)
    assert (tried.passes, tried.name) == (True, "box.example.com")
    assert get(port_of(home), Host=host)[0] == 403  # Trying changes nothing.
    assert change(owner, hostnames=[".example.com"]).state.hostnames == [".example.com"]
    assert get(port_of(home), Host=host)[0] == 200
    text = home.config.read_text()
    assert "# mine" in text
    assert "# kept" in text
    assert '".example.com"' in text
    every = change(owner, any_hostname=True).state
    assert every.any_hostname
    assert "warning" in {one.level for one in every.checks}
    assert change(owner, any_hostname=False, hostnames=[]).state.hostnames == []
    assert get(port_of(home), Host=host)[0] == 403


@pytest.mark.parametrize(
    ("host", "passes", "words"),
    [
        ("localhost:6767", True, "this machine"),
        ("127.0.0.1", True, "always passes"),
        ("evil.com", False, "403"),
        ("a@localhost", False, "no host name"),
    ],
)
def test_a_host_is_judged_in_words(owner: SyncClient, host: str, passes: bool, words: str) -> None:
    tried = owner.request(TryHost(request_id="", host=host))
    assert isinstance(tried, TryHostResult)
    assert (tried.passes, words in tried.reason) == (passes, True)


def test_what_is_not_valid_changes_nothing(home: Home, owner: SyncClient) -> None:
    before = home.config.read_bytes()
    refused = change(owner, hostnames=["http://x"])
    assert refused.error is not None
    assert "http://x" in refused.error
    assert "line" not in f"{refused.error} {refused.next_step}"
    assert home.config.read_bytes() == before
    assert change(owner, listen=["nowhere:port"]).error is not None
    assert home.config.read_bytes() == before


def test_c34_no_network_address_without_a_password(home: Home, owner: SyncClient) -> None:
    before = home.config.read_bytes()
    refused = change(owner, listen=["0.0.0.0:0"])
    assert refused.error is not None
    assert "no password is set" in refused.error
    assert refused.next_step is not None
    assert "set-password" in refused.next_step
    assert home.config.read_bytes() == before


def test_c42_a_password_is_set_and_removed(home: Home, owner: SyncClient) -> None:
    port = port_of(home)
    assert get(port)[0] == 200
    done = owner.request(SetPassword(request_id="", password=PASSWORD))
    assert isinstance(done, SetPasswordResult)
    assert (done.error, done.state.password_set) == (None, True)
    assert "$2b$12$" in home.config.read_text()
    for path in home.root.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path
    assert get(port)[0] == 401
    assert get(port, Authorization=f"Bearer {PASSWORD}")[0] == 200
    wide = change(owner, listen=["127.0.0.1:0", "0.0.0.0:0"])
    assert wide.error is None
    assert "warning" in {one.level for one in wide.state.checks}
    kept = owner.request(SetPassword(request_id="", password=None))
    assert isinstance(kept, SetPasswordResult)
    assert kept.error is not None
    assert "anybody" in kept.error
    assert kept.state.password_set
    assert change(owner, listen=["127.0.0.1:0"]).error is None
    gone = owner.request(SetPassword(request_id="", password=None))
    assert isinstance(gone, SetPasswordResult)
    assert (gone.error, gone.state.password_set) == (None, False)
    assert get(port)[0] == 200


def test_a_bad_password_is_refused_in_words(owner: SyncClient) -> None:
    done = owner.request(SetPassword(request_id="", password="with a blank in it"))
    assert isinstance(done, SetPasswordResult)
    assert done.error is not None
    assert not done.state.password_set


def test_t39_a_new_token_shuts_the_old_one_out(home: Home, owner: SyncClient) -> None:
    assert change(owner, loopback="token").error is None
    try:
        port, old = port_of(home), bearer(home)
        assert get(port)[0] == 401
        assert get(port, Authorization=old)[0] == 200
        done = owner.request(RotateToken(request_id=""))
        assert isinstance(done, RotateTokenResult)
        assert done.error is None
        assert get(port, Authorization=old)[0] == 401
        assert get(port, Authorization=bearer(home))[0] == 200
    finally:
        assert change(owner, loopback="same-user").error is None


def test_t39_a_mistake_in_the_configuration_keeps_no_old_token_alive(
    home: Home, owner: SyncClient
) -> None:
    assert change(owner, loopback="token").error is None
    text = home.config.read_text()
    try:
        port, old = port_of(home), bearer(home)
        home.config.write_text(text + "[nonsense\n")
        done = owner.request(RotateToken(request_id=""))
        assert isinstance(done, RotateTokenResult)
        assert done.error is not None
        assert "config.toml" in done.error
        assert get(port, Authorization=old)[0] == 401
        assert get(port, Authorization=bearer(home))[0] == 200
    finally:
        home.config.write_text(text)
        assert change(owner, loopback="same-user").error is None


def test_t46_only_the_local_socket_may_look_and_change(home: Home) -> None:
    with SyncClient.reach(parse_target(f"127.0.0.1:{port_of(home)}")) as remote:
        for request in (
            ReadSecurity(request_id=""),
            ChangeSecurity(request_id="", hostnames=["x"]),
            SetPassword(request_id="", password=None),
            RotateToken(request_id=""),
            TryHost(request_id="", host="x"),
        ):
            with pytest.raises(RpcError) as caught:
                remote.request(request)
            assert caught.value.code == "forbidden"


def test_t74_every_change_is_in_the_audit_without_its_secret(home: Home, owner: SyncClient) -> None:
    change(owner, hostnames=["audited.example.com"])
    change(owner, hostnames=[])
    with sqlite3.connect(f"file:{home.database}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT action, details FROM audit").fetchall()
    assert any(
        action == "security.change" and "audited.example.com" in details for action, details in rows
    )
    assert PASSWORD not in str(rows)
    assert state(owner).checks


def test_a_password_that_the_daemon_took_from_its_environment_is_said_and_stays(
    tmp_path: Path,
) -> None:
    with tidy(Home(tmp_path / "home")) as home:
        prepare(home)
        with (
            daemon(home, env={"SERENO_PASSWORD": PASSWORD}),
            SyncClient.open(home) as owner,
        ):
            found = state(owner)
            assert found.password_set
            assert found.forced["daemon.auth.password"] == "SERENO_PASSWORD"
            kept = owner.request(SetPassword(request_id="", password=None))
            assert isinstance(kept, SetPasswordResult)
            assert kept.error is not None
            assert "SERENO_PASSWORD" in kept.error
            assert get(port_of(home))[0] == 401
