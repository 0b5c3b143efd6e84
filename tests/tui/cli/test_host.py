"""Commands against a daemon elsewhere: how it is named, what is shown to it, what goes wrong."""

from __future__ import annotations

import getpass
import json
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sereno.core.client.errors import Refused
from sereno.core.client.target import Target, parse_target
from sereno.tui.cli import exits
from sereno.tui.cli.credential import complete, warn
from sereno.tui.cli.entry import main
from sereno.tui.cli.errors import CliError
from sereno.tui.cli.target import Given, begin, connect
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon
from tests.tui.cli.scripted import FIRST, agent, furnish

SECRET = "correct horse"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    for name in ("HOST", "PASSWORD", "TOKEN", "CA_FILE"):
        monkeypatch.delenv(f"SERENO_{name}", raising=False)


@pytest.fixture
def there() -> Iterator[FakeDaemon]:
    """A daemon elsewhere, that wants SECRET."""
    daemon = FakeDaemon(None, SECRET)
    furnish(daemon, agent(FIRST))
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def open_there(there: FakeDaemon) -> FakeDaemon:
    there.secret = None
    return there


def secret_in(folder: Path, text: str = SECRET) -> str:
    path = folder / "secret"
    path.write_text(f"{text}\nand a second line\n")
    path.chmod(0o600)
    return str(path)


def test_a_host_before_and_behind_the_command_and_in_the_environment(
    open_there: FakeDaemon, sereno: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (
        ("ls", "-q", "--host", open_there.host),
        ("--host", open_there.host, "ls", "-q"),
    ):
        result = sereno(*arguments)
        assert (result.code, result.out, result.err) == (0, f"{FIRST}\n", "")
    monkeypatch.setenv("SERENO_HOST", f"tcp://{open_there.host}")
    assert sereno("ls", "-q").out == f"{FIRST}\n"
    open_there.seen.clear()
    sereno("inspect", FIRST[:8])
    assert open_there.seen[0]["type"] == "fetch_agent_request"


def test_a_code_is_not_spent_by_a_shell_that_completes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERENO_HOST", "48291-copper-tulip-anchor")
    begin()
    with pytest.raises(Refused) as refused:
        connect(0.5, ask=False)
    assert refused.value.code == "code_unused"


def test_a_code_is_looked_for_at_the_relay_of_this_home(
    sereno: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERENO_RELAY_ENDPOINT", "ws://127.0.0.1:1")
    result = sereno("ls", "--json", "--host", "48291-copper-tuition-anchor")
    assert result.code == exits.NO_DAEMON
    told = json.loads(result.err)
    assert told["code"].startswith("relay_")
    assert "127.0.0.1:1" in told["message"]
    assert "tuition" not in result.err


@pytest.mark.parametrize("host", ["48291-copper-tulip-anchor", "sereno://srv_a", "sereno://pair#1"])
def test_no_password_goes_through_a_relay_and_none_is_warned_of(
    host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that stands in the environment is for daemons on a network."""
    monkeypatch.setenv("SERENO_PASSWORD", SECRET)
    target = complete(host, Given())
    warn(target)
    assert capsys.readouterr().err == ""
    assert target.secret is None
    given = Given()
    given.password_file = "/nowhere"
    with pytest.raises(CliError) as refused:
        complete(host, given)
    assert refused.value.code == "usage"


def test_what_was_given_to_one_command_is_not_given_to_the_next(
    open_there: FakeDaemon, sereno: Run
) -> None:
    assert sereno("ls", "-q", "--host", open_there.host).code == 0
    assert sereno("ls", "-q").code == 3


def test_ls_lists_every_project_of_another_machine(
    open_there: FakeDaemon, sereno: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert FIRST[:8] in sereno("ls", "--host", open_there.host).out


@pytest.mark.parametrize("option", ["--password-file", "--token-file"])
def test_a_secret_from_a_file(there: FakeDaemon, sereno: Run, tmp_path: Path, option: str) -> None:
    result = sereno("ls", "-q", "--host", there.host, option, secret_in(tmp_path))
    assert (result.code, result.out, result.err) == (0, f"{FIRST}\n", "")


@pytest.mark.parametrize("name", ["SERENO_PASSWORD", "SERENO_TOKEN"])
def test_a_secret_from_the_environment(
    there: FakeDaemon, sereno: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, SECRET)
    assert sereno("ls", "-q", "--host", there.host).code == 0


def test_the_nearest_word_wins(
    there: FakeDaemon, sereno: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERENO_PASSWORD", "of the environment")
    monkeypatch.setenv("SERENO_TOKEN", "of the environment too")
    with_password = f"tcp://{there.host}?password=correct%20horse"
    assert sereno("ls", "-q", "--host", with_password).code == 0
    monkeypatch.setenv("SERENO_HOST", f"tcp://{there.host}?password=wrong")
    assert sereno("ls", "-q").code == 9
    assert sereno("ls", "-q", "--password-file", secret_in(tmp_path)).code == 0


def test_a_password_in_the_host_is_warned_of_and_never_printed(
    there: FakeDaemon, sereno: Run
) -> None:
    result = sereno("ls", "-q", "--host", f"tcp://{there.host}?password=hunter2")
    assert result.code == 9
    assert "shell's history" in result.err
    assert "hunter2" not in result.err + result.out


def test_a_wrong_secret(there: FakeDaemon, sereno: Run, tmp_path: Path) -> None:
    file = secret_in(tmp_path, "wrong")
    result = sereno("ls", "--json", "--host", there.host, "--password-file", file)
    assert (result.code, result.out) == (9, "")
    error = json.loads(result.err)
    assert error["code"] == "unauthorized"
    assert "does not take this password or token" in error["message"]


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "No such file"), (b"", "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "no text")],
)
def test_files_that_hold_no_secret(
    there: FakeDaemon, sereno: Run, tmp_path: Path, content: bytes | None, says: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    result = sereno("ls", "--host", there.host, "--password-file", str(path))
    assert result.code == 2
    assert says in result.err


def test_a_file_that_others_may_read_is_said(
    there: FakeDaemon, sereno: Run, tmp_path: Path
) -> None:
    path = secret_in(tmp_path)
    os.chmod(path, 0o644)
    result = sereno("ls", "-q", "--host", there.host, "--password-file", path)
    assert result.code == 0
    assert "chmod 600" in result.err


class Person:
    """Somebody at a terminal, who types these."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
        self.words = list(words)
        self.asked: list[str] = []
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr(getpass, "getpass", self._type)

    def _type(self, prompt: str) -> str:
        self.asked.append(prompt)
        return self.words.pop(0)


def test_a_password_is_asked_for(
    there: FakeDaemon, sereno: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(monkeypatch, "typo", SECRET)
    result = sereno("ls", "-q", "--host", there.host)
    assert (result.code, result.out) == (0, f"{FIRST}\n")
    assert person.asked == [f"Password or token of {there.host}: "] * 2
    assert "that was not the password" in result.err


def test_three_wrong_passwords_are_enough(
    there: FakeDaemon, sereno: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(monkeypatch, *["typo"] * 9)
    assert sereno("ls", "--host", there.host).code == 9
    assert len(person.asked) == 3
    assert there.refused == 4


def test_a_given_secret_that_is_wrong_is_not_asked_for_again(
    there: FakeDaemon, sereno: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(monkeypatch, SECRET)
    monkeypatch.setenv("SERENO_PASSWORD", "wrong")
    assert sereno("ls", "--host", there.host).code == 9
    assert person.asked == []


def test_nobody_to_ask(there: FakeDaemon, sereno: Run) -> None:
    result = sereno("ls", "--host", there.host)
    assert result.code == 9
    assert "SERENO_PASSWORD, --password-file or --token-file" in result.err


def test_nobody_listens_and_nothing_is_started(sereno: Run, home: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{held.getsockname()[1]}"
        for arguments in (("ls",), ("run", "--cwd", "/srv", "hello"), ("daemon", "status")):
            result = sereno(*arguments, "--host", host)
            assert result.code == 3
            assert f"nobody listens on {host}" in result.err
    assert not (home / "run").exists()


def test_what_is_no_host(sereno: Run) -> None:
    result = sereno("ls", "--host", "devbox")
    assert result.code == 2
    assert "the port is missing. Write it as devbox:6767." in result.err


@pytest.mark.parametrize(
    "arguments",
    [("daemon", "start"), ("daemon", "stop"), ("daemon", "restart"), ("doctor",)],
)
def test_commands_about_this_machine_say_so(
    sereno: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    result = sereno(*arguments, "--host", "127.0.0.1:1")
    assert result.code == 2
    assert f"`sereno {' '.join(arguments)}` is about this machine only" in result.err
    assert "Leave --host away" in result.err
    monkeypatch.setenv("SERENO_HOST", "127.0.0.1:1")
    assert "Unset SERENO_HOST" in sereno(*arguments).err


def test_a_folder_of_the_other_machine(open_there: FakeDaemon, sereno: Run) -> None:
    seen: list[str] = []

    def create(request: dict[str, object]) -> list[dict[str, object]]:
        seen.append(request["config"]["cwd"])  # type: ignore[index]
        payload = {"requestId": request["requestId"], "error": "enough", "code": "x"}
        return [{"type": "rpc_error", "payload": payload}]

    open_there.answers["create_agent_request"] = create
    for arguments in ((), ("--cwd", "web")):
        result = sereno("run", "--provider", "demo", *arguments, "hi", "--host", open_there.host)
        assert result.code == 2
        assert "whole path of that machine" in result.err
    for cwd in ("/nowhere/here", "~/web"):
        sereno("run", "--provider", "demo", "--cwd", cwd, "hi", "--host", open_there.host)
    assert seen == ["/nowhere/here", "~/web"]


def test_no_ui_takes_no_host(sereno: Run) -> None:
    assert sereno("--no-ui", "--host", "127.0.0.1:1").code == 2


def test_a_named_unix_socket(daemon: FakeDaemon, sereno: Run, home: Path, tmp_path: Path) -> None:
    furnish(daemon, agent(FIRST))
    path = home / "run" / "daemon.sock"
    result = sereno("--home", str(tmp_path / "other"), "ls", "-gq", "--host", f"unix://{path}")
    assert (result.code, result.out) == (0, f"{FIRST}\n")


def test_completion_is_silent_and_asks_nothing(
    there: FakeDaemon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    person = Person(monkeypatch, SECRET)
    monkeypatch.setenv("SERENO_HOST", f"tcp://{there.host}?password=wrong")
    monkeypatch.setenv("_SERENO_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "sereno attach ")
    monkeypatch.setenv("COMP_CWORD", "2")
    with pytest.raises(SystemExit):
        main([])
    printed = capsys.readouterr()
    assert (printed.out.strip(), printed.err, person.asked) == ("", "", [])
    assert there.refused == 1


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("devbox:6767", True),
        ("tcp://devbox:6767?ssl=true", False),
        ("127.0.0.1:6767", False),
        ("[::1]:6767", False),
        ("unix:///run/a.sock", False),
    ],
)
def test_c43_t25_a_secret_that_others_can_read_on_the_way_is_said(
    text: str, warned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    target = parse_target(text)
    warn(target)
    assert capsys.readouterr().err == ""
    warn(Target(**{**target.__dict__, "secret": "hunter2"}))
    said = capsys.readouterr().err
    assert ("without TLS" in said) is warned
    assert "hunter2" not in said
