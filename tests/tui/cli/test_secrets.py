"""`sereno token` and `sereno daemon set-password`: what is kept, what is shown, what is refused."""

from __future__ import annotations

import io
import json
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sereno.core.home import Home, token
from sereno.core.security.passwords import matches
from sereno.tui.cli import exits
from tests.tui.cli.conftest import Run
from tests.tui.cli.fake_daemon import FakeDaemon, Message, message

GOOD = "correct-horse-battery"


def kept(home: Path) -> str:
    found: Any = tomllib.loads((home / "config.toml").read_text())
    return str(found["daemon"]["auth"]["password"])


def given(monkeypatch: pytest.MonkeyPatch, *answers: str, terminal: bool = True) -> None:
    """What is typed at the prompts, one after the other."""
    left = list(answers)
    monkeypatch.setattr("getpass.getpass", lambda _: left.pop(0))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    monkeypatch.setattr("sys.stdin.isatty", lambda: terminal, raising=False)


def piped(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))


# The password


def test_c42_only_the_hash_is_kept(
    sereno: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "config.toml").write_text("# mine\n[log]\nlevel = 'debug' # loud\n")
    secret = tmp_path / "secret"
    secret.write_text(f"{GOOD}\nsecond line\n")
    done = sereno("daemon", "set-password", "--file", str(secret))
    assert (done.code, done.err) == (exits.OK, "")
    assert "The next daemon asks" in done.out
    assert kept(home).startswith("$2b$12$")
    assert matches(GOOD, kept(home))
    assert stat.S_IMODE((home / "config.toml").stat().st_mode) == 0o600
    assert "# mine" in (home / "config.toml").read_text()
    assert "# loud" in (home / "config.toml").read_text()
    files = [path for path in home.rglob("*") if path.is_file()]
    assert not [path for path in files if GOOD.encode() in path.read_bytes()]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\nmore\n"])
def test_the_first_line_of_stdin(
    sereno: Run, home: Path, monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    piped(monkeypatch, GOOD.encode() + end)
    done = sereno("daemon", "set-password", "--stdin", "--json")
    assert json.loads(done.out) == {"set": True, "applied": False}
    assert matches(GOOD, kept(home))


def test_asked_for_twice_on_a_terminal(
    sereno: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, GOOD, GOOD)
    assert sereno("daemon", "set-password").code == exits.OK
    assert matches(GOOD, kept(home))


def test_two_that_differ_change_nothing(
    sereno: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, GOOD, GOOD + "x")
    done = sereno("daemon", "set-password")
    assert done.code == exits.USAGE
    assert "differ" in done.err
    assert GOOD not in done.err
    assert not (home / "config.toml").exists()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"two words", "a blank"),
        ("pässwort".encode(), "U+00E4"),
        (b"\xff\xfe", "U+DCFF"),
        (b"x" * 73, "72 bytes"),
        (b"x" * 9999, "72 bytes"),
        (b"", "empty"),
        (b"\n" + GOOD.encode(), "empty"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(
    sereno: Run, home: Path, monkeypatch: pytest.MonkeyPatch, raw: bytes, words: str
) -> None:
    piped(monkeypatch, raw)
    done = sereno("daemon", "set-password", "--stdin")
    assert done.code == exits.USAGE
    assert words in done.err
    assert done.out == ""
    assert not (home / "config.toml").exists()


def test_a_bad_password_is_refused_before_it_is_typed_again(
    sereno: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(monkeypatch, "two words")
    assert "a blank" in sereno("daemon", "set-password").err


def test_t27_a_short_one_is_doubted(
    sereno: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped(monkeypatch, b"short")
    done = sereno("daemon", "set-password", "--stdin")
    assert done.code == exits.OK
    assert "only 5 characters" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--stdin", "--file", "x"), "exclude each other"),
        (("--file", "/nowhere/at/all"), "cannot be read"),
        ((), "no terminal"),
        ((GOOD,), "unexpected extra argument"),
    ],
)
def test_c42_there_is_no_other_way_to_give_it(
    sereno: Run,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    piped(monkeypatch, b"")
    done = sereno("daemon", "set-password", *arguments)
    assert done.code == exits.USAGE
    assert words in done.err


def test_a_configuration_with_a_mistake_is_left_as_it_is(
    sereno: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "config.toml").write_text("[daemon]\nlisten = 7\n")
    piped(monkeypatch, GOOD.encode())
    done = sereno("daemon", "set-password", "--stdin")
    assert done.code == exits.USAGE
    assert "line 2" in done.err
    assert (home / "config.toml").read_text() == "[daemon]\nlisten = 7\n"


def test_a_variable_that_wins_is_said(
    sereno: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERENO_PASSWORD", "something-else")
    piped(monkeypatch, GOOD.encode())
    done = sereno("daemon", "set-password", "--stdin")
    assert done.code == exits.OK
    assert "SERENO_PASSWORD is set here" in done.err
    assert "something-else" not in done.err


def reloads(error: str | None = None) -> Any:
    def answer(request: Message) -> list[Message]:
        payload = {"requestId": request["requestId"], "error": error, "nextStep": None}
        return [message("sereno.daemon.reload.response", payload)]

    return answer


def test_a_running_daemon_is_told(
    daemon: FakeDaemon, sereno: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.answers["sereno.daemon.reload.request"] = reloads()
    piped(monkeypatch, GOOD.encode())
    assert "Every TCP connection has to show it" in sereno("daemon", "set-password", "--stdin").out
    assert "Connections that showed the old one" in sereno("token", "rotate").out
    assert [one["type"] for one in daemon.seen] == ["sereno.daemon.reload.request"] * 2
    assert GOOD not in json.dumps(daemon.seen)


def test_a_daemon_that_does_not_take_it_is_said(
    daemon: FakeDaemon, sereno: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.answers["sereno.daemon.reload.request"] = reloads("line 3 is wrong")
    piped(monkeypatch, GOOD.encode())
    done = sereno("daemon", "set-password", "--stdin")
    assert done.code == exits.FAILED
    assert "The password is saved, but the running daemon goes on as before" in done.err
    assert "line 3 is wrong" in done.err
    done = sereno("token", "rotate")
    assert done.code == exits.FAILED
    assert "The new token is saved, and in use; the rest goes on as before" in done.err


# The token


@pytest.fixture
def made(home: Path) -> str:
    return token.load_or_make(Home(home)).text


def test_c50_the_token_alone_on_a_terminal(
    sereno: Run, made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sereno.tui.cli.commands.token.on_terminal", lambda: True)
    done = sereno("token", "show")
    assert (done.code, done.out, done.err) == (exits.OK, made + "\n", "")


@pytest.mark.parametrize("form", [(), ("--json",), ("-q",)])
def test_c50_into_a_pipe_only_by_force(sereno: Run, made: str, form: tuple[str, ...]) -> None:
    done = sereno("token", "show", *form)
    assert done.code == exits.USAGE
    assert "--force" in done.err
    assert made not in done.out + done.err
    forced = sereno("token", "show", "--force", *form)
    assert forced.code == exits.OK
    assert made in forced.out


def test_c50_as_json(sereno: Run, made: str) -> None:
    value = json.loads(sereno("token", "show", "--force", "--json").out)
    assert value["token"] == made
    assert value["madeAt"].startswith("20")


def test_where_none_was_made_none_is(sereno: Run, home: Path) -> None:
    done = sereno("token", "show", "--force")
    assert done.code == exits.FAILED
    assert "sereno daemon start" in done.err
    assert not (home / "auth_token").exists()


def test_a_token_that_cannot_be_used_is_said_with_the_way_out(sereno: Run, home: Path) -> None:
    (home / "auth_token").write_text("garbage")
    done = sereno("token", "show", "--force")
    assert done.code == exits.USAGE
    assert "sereno token rotate" in done.err
    assert sereno("token", "rotate").code == exits.OK
    assert sereno("token", "show", "--force").code == exits.OK


def test_rotating_makes_another_and_does_not_print_it(sereno: Run, home: Path, made: str) -> None:
    done = sereno("token", "rotate", "--json")
    value = json.loads(done.out)
    assert (value["rotated"], value["applied"]) == (True, False)
    new = token.load(Home(home))
    assert new is not None
    assert new.text != made
    assert new.text not in done.out + done.err
    assert os.listdir(home).count("auth_token") == 1
