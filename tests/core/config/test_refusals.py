"""Unknown keys, wrong values and broken files: refused by name, line and next step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.config import (
    ConfigError,
    load_config,
)
from sereno.core.config.checks import endpoint, host_port
from sereno.core.config.keys import SETTINGS
from sereno.core.config.load import build_config
from sereno.core.config.source import Source, parse_source
from sereno.core.home import Home, prepare
from sereno.relay_client.endpoints import parse_endpoint, parse_public_endpoint
from tests.house.other_user import run_as_other_user

if TYPE_CHECKING:
    pass

from tests.core.config.helpers import refused


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    prepare(home)
    return home


@pytest.mark.parametrize(
    ("text", "key", "near", "line"),
    [
        ("[daemon]\n\n# c\nlistn = ['1']", "daemon.listn", "`daemon.listen`", 4),
        ("[daemonn]\nx = 1", "daemonn", "`daemon`", 1),
        ("listen = '1'", "listen", "`daemon.listen`", 1),
        ("[daemon.cors]\nallowedOrigins = []", "daemon.cors.allowedOrigins", "allowed_origins`", 2),
        ("[daemon]\nrelay = { enabled = true, endpont = 'x:1' }", "daemon.relay.endpont", "end", 2),
        ("daemon.relay.enable = true", "daemon.relay.enable", "`daemon.relay.enabled`", 1),
        ("[log]\nlevel = 'info'\nqqqq = 1", "log.qqqq", "Valid here: log.format, log.level", 3),
        ("[log]\nlevel = '''\ninfo'''\nformt = 1", "log.formt", "`log.format`", 4),
        ("[[provider]]\n", "provider", "`providers`", 1),
        ("[providers.claude]\ncomand = []", "providers.claude.comand", "claude.command`", 2),
        ("x = [\n  1,\n  2,\n]", "x", "Valid here: agents", 1),
        ('"log.level" = "info"', '"log.level"', "`log.level`", 1),
        ('[log]\n"le\\u001b[2Jvel" = 1', 'log."le\\x1b[2Jvel"', "`log.level`", 2),
    ],
)
def test_unknown_keys_are_refused_by_name_with_the_nearest_and_the_line(
    text: str, key: str, near: str, line: int
) -> None:
    error = refused(text)
    assert error.code == "unknown_key"
    assert error.key == key
    assert f"`{key}`" in error.message
    assert near in error.next_step
    assert error.line == line
    assert f"/h/config.toml, line {line}:" in error.message


def test_the_nearest_key_is_found_for_one_wrong_letter_in_any_setting() -> None:
    for key in SETTINGS:
        table, _, name = key.rpartition(".")
        for at in range(len(name)):
            typed = name[:at] + name[at + 1 :]
            if len(typed) < 3 or f"{table}.{typed}" in SETTINGS:
                continue
            error = refused(f"[{table}]\n{typed} = 1")
            assert f"`{key}`" in error.next_step, (typed, error.next_step)


@pytest.mark.parametrize(
    ("text", "expected", "line"),
    [
        ("log = 5", "`log` is 5, but must be a table: [log]", 1),
        ("[log]\nlevel = 'verbose'", 'one of "trace", "debug"', 2),
        ("[log]\nlevel = 3", "is 3, but must be one of", 2),
        ("[daemon]\nlisten = 6767", "must be a list of texts", 2),
        ("[daemon]\nlisten = ['a:b']", "address such as", 2),
        ("[daemon]\nlisten = ['1.2.3.4:70000']", "port up to 65535", 2),
        ("[daemon]\nlisten = ['pipe://x']", "address such as", 2),
        ("[daemon]\nhostnames = false", "true for every name", 2),
        ("[daemon]\nhostnames = ['*.example.com']", '"*.example.com" is none', 2),
        ("[daemon]\nhostnames = ['a:80']", "without port", 2),
        ("[daemon.cors]\nallowed_origins = ['https://a/']", "without path", 2),
        ("[daemon.auth]\nloopback = true", "is true, but must be one of", 2),
        ("[daemon.relay]\nenabled = 'yes'", "true or false, without quotes", 2),
        ("[daemon.relay]\nendpoint = 'relay'", "host and port", 2),
        ("[daemon.relay]\nendpoint = 'https://relay'", "ws:// or wss://", 2),
        ("[daemon.relay]\nendpoint = 'wss://a b'", "ws:// or wss://", 2),
        ("[daemon.relay]\nendpoint = 'wss://relay:99999'", "ws:// or wss://", 2),
        ("[daemon.relay]\npublic_endpoint = 'x:0'", "host and port", 2),
        ("[daemon.relay]\npins = ['sha256/short']", "44 characters of base64", 2),
        ("[daemon.tls]\ncert = '/c'", "needs `daemon.tls.key` beside it", 2),
        ("[app]\nbase_url = 'app'", "a web address", 2),
        ("[agents]\nqueue_limit = 0", "whole number from 1", 2),
        ("[agents]\nqueue_limit = true", "whole number", 2),
        ("[agents]\nqueue_limit = 1.5", "whole number", 2),
        ("[agents]\nend_grace_seconds = -1", "number from 0 to 60", 2),
        ("[agents]\nend_grace_seconds = nan", "number from 0 to 60", 2),
        ("[ui]\ntheme = ''", "name of a theme", 2),
        ("[ui]\nmouse = 1", "true or false", 2),
    ],
)
def test_wrong_values_are_refused_with_what_is_expected(
    text: str, expected: str, line: int
) -> None:
    error = refused(text)
    assert error.code == "wrong_value"
    assert expected in error.message
    assert error.line == line


def test_wrong_values_of_variables_and_flags_name_them() -> None:
    error = refused("", {"SERENO_RELAY_ENABLED": "perhaps"})
    assert "variable SERENO_RELAY_ENABLED is" in error.message
    assert error.line is None
    assert "flag for log.level" in refused("", log__level="loud").message
    assert "a number" in refused("", {"SERENO_AGENTS_END_GRACE_SECONDS": "soon"}).message


def test_a_password_in_the_place_of_its_hash_is_not_repeated() -> None:
    error = refused("[daemon.auth]\npassword = 'hunter2'")
    assert "bcrypt hash" in error.message
    assert "hunter2" not in str(error)
    error = refused("[providers.claude]\nenv = { TOKEN = ['sk-secret'] }")
    assert "sk-secret" not in str(error)


def test_messages_carry_no_control_characters() -> None:
    error = refused('[log]\nlevel = "\\u001b]0;owned\\u0007"')
    assert str(error).isprintable()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[daemon]\nlisten = \n", 2),
        ("[daemon\n", 1),
        ("a = 1\na = 2\n", 2),
        ("x = [1,\n2\n", 2),
        ('x = "abc', 1),
        ("ok = 1\n\n= 3", 3),
    ],
)
def test_a_syntax_error_names_its_line(text: str, line: int) -> None:
    error = refused(text)
    assert error.code == "syntax"
    assert error.line == line, error
    assert "has not changed it" in error.next_step


def test_bytes_that_are_no_text_name_their_line() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_source(Path("/h/config.toml"), b"[log]\n# ok\nlevel = '\xff'\n")
    assert caught.value.code == "not_text"
    assert caught.value.line == 3


def test_a_very_deep_file_is_refused_not_crashed_on() -> None:
    error = refused("x = " + "[" * 20_000 + "]" * 20_000)
    assert error.code == "syntax"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    said = "a configuration"
    try:
        build_config(parse_source(Path("/h/config.toml"), raw), {}, {})
    except ConfigError as error:
        said = str(error)
    assert said.isprintable()


def test_a_windows_file_is_read() -> None:
    text = '\ufeff[log]\r\nlevel = "warn"\r\nformt = 1\r\n'
    assert refused(text).line == 3


def test_an_unreadable_file_is_no_empty_one(home: Home) -> None:
    home.config.mkdir()
    with pytest.raises(ConfigError) as caught:
        load_config(home, {})
    assert caught.value.code == "unreadable"


def test_a_file_that_may_not_be_read(home: Home, tmp_path: Path) -> None:
    home.config.write_text("")
    home.config.chmod(0o000)
    said = run_as_other_user(
        f"""
        from pathlib import Path
        from sereno.core.config import ConfigError, load_config
        from sereno.core.home import Home
        try:
            load_config(Home(Path({str(home.root)!r})), {{}})
        except ConfigError as error:
            print(error.code, error.message)
        """,
        locked_folder=tmp_path / "unused",
    )
    assert said.startswith("unreadable")
    assert "Permission denied" in said


def test_a_line_is_found_only_in_files_of_sane_size() -> None:
    source = Source(Path("/c"), "x = 1\n" * 40_000, {})
    assert source.line_of(("x",)) is None


_NEARLY_A_RELAY = st.text("ab-_.:[]/1905", max_size=24).flatmap(
    lambda text: st.sampled_from(
        [text, f"ws://{text}", f"wss://{text}", f"a:{text}", f"[{text}]:1"]
    )
)


@given(_NEARLY_A_RELAY)
def test_whatever_relay_is_accepted_can_be_dialled(text: str) -> None:
    """Else the mistake would be found by the daemon, when it is too late to refuse the file."""
    for check, parse in ((endpoint, parse_endpoint), (host_port, parse_public_endpoint)):
        try:
            accepted = check(text)
        except ValueError:
            continue
        assert parse(accepted).port


@pytest.mark.parametrize(
    "text", ["wss://relay", "ws://[::1]/", "a_b.c:1", "[::1]:443", "R-1.x:65535"]
)
def test_relays_that_are_accepted(text: str) -> None:
    assert endpoint(text) == text
    assert parse_endpoint(text).host
