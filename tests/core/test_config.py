"""The configuration: four places, checks, refusals by name and line, edits that keep comments."""

from __future__ import annotations

import dataclasses
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.config import (
    Config,
    ConfigError,
    ProviderModel,
    TcpAddress,
    ThinkingOption,
    UnixAddress,
    edit_config,
    load_config,
    parse_listen,
    put,
)
from sereno.core.config.keys import SETTINGS, VARIABLES
from sereno.core.config.load import build_config
from sereno.core.config.source import Source, parse_source
from sereno.core.home import Home, HomeError, prepare
from tests.house.other_user import run_as_other_user

if TYPE_CHECKING:
    from collections.abc import Mapping

HASH = "$2b$12$" + "a" * 53


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    prepare(home)
    return home


def load(text: str, env: Mapping[str, str] | None = None, **flags: object) -> Config:
    source = parse_source(Path("/h/config.toml"), text.encode())
    return build_config(source, env or {}, {k.replace("__", "."): v for k, v in flags.items()})


def refused(text: str, env: Mapping[str, str] | None = None, **flags: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(text, env, **flags)
    assert caught.value.message
    assert caught.value.next_step
    return caught.value


def value_of(config: Config, key: str) -> Any:
    part: Any = config
    for name in key.split("."):
        part = getattr(part, name)
    return part


# --- defaults and the four places


def test_no_file_is_the_defaults(home: Home) -> None:
    config = load_config(home, {})
    assert config == Config()
    assert config.daemon.listen == ("127.0.0.1:6767",)
    assert config.daemon.relay.enabled is False
    assert config.daemon.auth.loopback == "same-user"
    assert config.agents.end_grace_seconds == 3.0


def test_every_field_has_its_row_and_every_row_its_field() -> None:
    def names(part: object, prefix: str = "") -> set[str]:
        found = set()
        for field in dataclasses.fields(part):  # type: ignore[arg-type]
            value = getattr(part, field.name)
            key = prefix + field.name
            found |= names(value, key + ".") if dataclasses.is_dataclass(value) else {key}
        return found

    assert names(Config()) == {*SETTINGS, "providers"}


def test_every_default_passes_its_own_check() -> None:
    for key, check in SETTINGS.items():
        default = value_of(Config(), key)
        if default is not None:
            assert check.accept(default) == default, key


EVERYTHING = f"""
[daemon]
listen = ["6767", "[::1]:80", "unix:///run/s.sock"]
hostnames = [".Example.com"]
[daemon.cors]
allowed_origins = ["https://a.example"]
[daemon.auth]
password = "{HASH}"
loopback = "token"
[daemon.relay]
enabled = true
endpoint = "wss://relay.example.com/"
public_endpoint = "relay.example.com:443"
[daemon.tls]
cert = "/c.pem"
key = "/k.pem"
[app]
base_url = "https://app.example.com/"
[log]
level = "debug"
format = "pretty"
[agents]
end_grace_seconds = 5
queue_limit = 7
journal_limit_mb = 8
[ui]
theme = "mono"
mouse = false
bell = false
animations = false
"""


def test_every_setting_can_be_set() -> None:
    config = load(EVERYTHING)
    for key in SETTINGS:
        assert value_of(config, key) != value_of(Config(), key), key
    assert config.daemon.hostnames == (".example.com",)
    assert config.agents.end_grace_seconds == 5.0
    assert config.app.base_url == "https://app.example.com"


def test_defaults_file_environment_flags() -> None:
    text = '[log]\nlevel = "warn"'
    env = {"SERENO_LOG_LEVEL": "error"}
    assert load("").log.level == "info"
    assert load(text).log.level == "warn"
    assert load(text, env).log.level == "error"
    assert load(text, env, log__level="debug").log.level == "debug"
    assert load(text, env, log__level=None).log.level == "error"
    assert load(text, {"SERENO_LOG_LEVEL": " "}).log.level == "warn"


def test_every_variable_reaches_its_setting() -> None:
    texts = {
        "daemon.listen": "1234, 5678",
        "daemon.hostnames": "a.example",
        "daemon.cors.allowed_origins": "https://a.example",
        "daemon.auth.loopback": "trust",
        "daemon.relay.enabled": "on",
        "daemon.relay.endpoint": "r.example:1",
        "daemon.relay.public_endpoint": "r.example:2",
        "app.base_url": "https://x.example",
        "log.level": "fatal",
        "log.format": "pretty",
        "agents.end_grace_seconds": "0.5",
        "agents.queue_limit": "3",
        "agents.journal_limit_mb": "5",
        "ui.theme": "t",
        "ui.mouse": "no",
        "ui.bell": "0",
        "ui.animations": "False",
    }
    for variable, key in VARIABLES.items():
        if key in texts:
            config = load("", {variable: texts[key]})
            assert value_of(config, key) != value_of(Config(), key), variable
    tls = load("", {"SERENO_TLS_CERT": "/c", "SERENO_TLS_KEY": "/k"}).daemon.tls
    assert (tls.cert, tls.key) == ("/c", "/k")
    assert set(VARIABLES.values()) == {*texts, "daemon.tls.cert", "daemon.tls.key"}


def test_the_password_has_no_variable() -> None:
    assert "daemon.auth.password" not in VARIABLES.values()


@pytest.mark.parametrize(
    ("file", "variable", "flag", "expected"),
    [
        ('["a"]', "b,c", ["a", "d"], ("a", "b", "c", "d")),
        ('["a"]', "true", None, True),
        ("true", "b", None, True),
        ('["a"]', "", "x.example", ("a", "x.example")),
    ],
)
def test_c36_names_of_all_places_add_up(
    file: str, variable: str, flag: object, expected: object
) -> None:
    config = load(
        f"[daemon]\nhostnames = {file}", {"SERENO_HOSTNAMES": variable}, daemon__hostnames=flag
    )
    assert config.daemon.hostnames == expected


def test_origins_add_up_and_addresses_replace() -> None:
    text = '[daemon]\nlisten = ["1"]\n[daemon.cors]\nallowed_origins = ["https://a"]'
    config = load(text, {"SERENO_LISTEN": "2", "SERENO_CORS_ORIGINS": "https://b"})
    assert config.daemon.listen == ("2",)
    assert config.daemon.cors.allowed_origins == ("https://a", "https://b")


def test_a_flag_that_is_no_setting_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        load("", log__colour="red")


# --- unknown keys


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


# --- wrong values


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
        ("[daemon.relay]\npublic_endpoint = 'x:0'", "host and port", 2),
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


# --- the file as a file


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


# --- addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:6767", TcpAddress("127.0.0.1", 6767)),
        ("6767", TcpAddress("127.0.0.1", 6767)),
        ("[::1]:80", TcpAddress("::1", 80)),
        ("box.local:0", TcpAddress("box.local", 0)),
        ("/run/x.sock", UnixAddress("/run/x.sock")),
        ("~/x.sock", UnixAddress("~/x.sock")),
        ("unix:///run/x.sock", UnixAddress("/run/x.sock")),
    ],
)
def test_addresses(text: str, address: object) -> None:
    assert parse_listen(text) == address


@pytest.mark.parametrize("text", ["", ":", "::1:80", "unix://x", "/", "x", "host:", "99999", "²"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="an address such as"):
        parse_listen(text)


# --- providers


def test_a_command_alone_is_a_provider() -> None:
    provider = load('[providers.mine]\ncommand = ["opencode", "acp"]').providers["mine"]
    assert (provider.name, provider.extends, provider.label) == ("mine", "acp", None)
    assert provider.command == ("opencode", "acp")
    assert provider.enabled


def test_a_provider_with_everything() -> None:
    provider = load(
        """
        [providers.work]
        extends = "claude"
        label = "Claude, work"
        description = "with the other login"
        env = { CLAUDE_CONFIG_DIR = "/x" }
        disallowed_tools = ["WebFetch"]
        enabled = false
        order = 2
        [[providers.work.models]]
        id = "opus"
        label = "Opus"
        is_default = true
        [[providers.work.models.thinking_options]]
        id = "high"
        [[providers.work.additional_models]]
        id = "haiku"
        """
    ).providers["work"]
    assert provider.extends == "claude"
    assert provider.env == {"CLAUDE_CONFIG_DIR": "/x"}
    assert provider.disallowed_tools == ("WebFetch",)
    assert provider.order == 2.0
    option = ThinkingOption("high", "high")
    assert provider.models == (ProviderModel("opus", "Opus", None, True, (option,)),)
    assert provider.additional_models == (ProviderModel("haiku", "haiku"),)
    with pytest.raises(TypeError):
        provider.env["X"] = "y"  # type: ignore[index]


def test_a_built_in_extends_itself() -> None:
    assert load("[providers.codex]\nenabled = false").providers["codex"].extends == "codex"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("providers = 1", "must be tables"),
        ("[providers]\nx = 1", "must be a table: [providers.x]"),
        ("[providers.Claude]\nenabled = true", "lower-case"),
        ("[providers.acp]\ncommand = ['x']", "cannot name a provider"),
        ("[providers.claud]\nenabled = true", "Did you mean [providers.claude]"),
        ("[providers.zzz]\nlabel = 'x'", "Add its command"),
        ("[providers.x]\nextends = 'acp'", "has no `command`"),
        ("[providers.x]\nextends = 'claud'", 'Did you mean "claude"'),
        ("[providers.claude]\nextends = 'codex'", "is built in"),
        ("[providers.x]\ncommand = []", "program and arguments"),
        ("[providers.x]\ncommand = 'opencode acp'", "program and arguments"),
        ("[providers.x]\ncommand = [' ']", "name of a program"),
        ("[providers.x]\ncommand = ['a', 1]", "program and arguments"),
        ("[providers.claude]\nenv = { 'A=B' = 'x' }", 'no "="'),
        ("[providers.claude]\nmodels = ['opus']", "list of tables"),
        ("[providers.claude]\nmodels = [{ label = 'x' }]", "must have an id"),
        ("[providers.claude]\nmodels = [{ id = 'x', lable = 'y' }]", "models.label"),
        ("[providers.claude]\nmodels = [{ id = 'x', thinking_options = [{ ids = 1 }] }]", "id`"),
        ("[providers.claude]\nlabel = ''", "not empty"),
    ],
)
def test_providers_that_are_refused(text: str, expected: str) -> None:
    error = refused(text)
    assert expected in str(error)
    assert error.line is not None


# --- edits


WRITTEN = """# my settings
[log] # loud
level = "warn"

# names
[daemon]
hostnames = ["a"]   # mine
"""


def test_an_edit_keeps_comments_and_modes(home: Home) -> None:
    home.config.write_text(WRITTEN)
    config = edit_config(home, lambda document: put(document, "log.format", "pretty"))
    assert config.log.format == "pretty"
    assert home.config.read_text() == WRITTEN.replace(
        'level = "warn"\n', 'level = "warn"\nformat = "pretty"\n'
    )
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("before", "key", "value", "after"),
    [
        ("", "ui.bell", False, "[ui]\nbell = false\n"),
        ("[ui]\n", "ui.bell", False, "[ui]\nbell = false\n"),
        ("[ui]\nbell = true # c\n", "ui.bell", False, "[ui]\nbell = false # c\n"),
        ("ui = { mouse = true }\n", "ui.bell", False, "ui = { mouse = true, bell = false}\n"),
        (
            "# top\n[ui]\n# only this\n",
            "ui.bell",
            False,
            "# top\n[ui]\nbell = false\n# only this\n",
        ),
        (
            "[daemon.cors]\nallowed_origins = []\n",
            "daemon.hostnames",
            ["a"],
            '[daemon]\nhostnames = ["a"]\n\n[daemon.cors]\nallowed_origins = []\n',
        ),
        (
            "[daemon]\nlisten = []\n[daemon.cors]\nallowed_origins = []\n",
            "daemon.hostnames",
            ["a"],
            '[daemon]\nlisten = []\nhostnames = ["a"]\n\n[daemon.cors]\nallowed_origins = []\n',
        ),
    ],
)
def test_put(before: str, key: str, value: object, after: str) -> None:
    document = tomlkit.parse(before)
    put(document, key, value)
    assert tomlkit.dumps(document) == after
    assert value_of(load(after), key) == (tuple(value) if isinstance(value, list) else value)


def test_an_edit_makes_the_file(home: Home) -> None:
    edit_config(home, lambda document: document.update({"ui": {"bell": False}}))
    assert load_config(home, {}).ui.bell is False
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600


def test_an_edit_that_would_be_refused_changes_nothing(home: Home) -> None:
    home.config.write_text(WRITTEN)
    with pytest.raises(ConfigError, match=r"ui\.bel"):
        edit_config(home, lambda document: document.update({"ui": {"bel": False}}))
    assert home.config.read_text() == WRITTEN


def test_an_edit_of_a_broken_file_is_refused(home: Home) -> None:
    home.config.write_text("[log\n")
    with pytest.raises(ConfigError) as caught:
        edit_config(home, lambda document: document.update({"ui": {"bell": False}}))
    assert caught.value.code == "syntax"
    assert home.config.read_text() == "[log\n"


def test_an_edit_without_change_writes_nothing(home: Home) -> None:
    home.config.write_text(WRITTEN)
    before = home.config.stat().st_ino
    edit_config(home, lambda _: None)
    assert home.config.stat().st_ino == before


def test_an_edit_keeps_a_link_of_the_user(home: Home, tmp_path: Path) -> None:
    real = tmp_path / "dotfile"
    real.write_text(WRITTEN)
    home.config.symlink_to(real)
    edit_config(home, lambda document: document.update({"ui": {"bell": False}}))
    assert home.config.is_symlink()
    assert "bell" in real.read_text()


def test_an_edit_outside_a_home_says_so(tmp_path: Path) -> None:
    with pytest.raises(HomeError):
        edit_config(Home(tmp_path / "none"), lambda _: None)


def test_edits_at_once_are_all_kept(home: Home) -> None:
    def add(number: int) -> None:
        def change(document: tomlkit.TOMLDocument) -> None:
            providers = document.setdefault("providers", tomlkit.table(is_super_table=True))
            providers[f"p{number}"] = {"command": ["x"]}

        edit_config(home, change)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(load_config(home, {}).providers) == {f"p{number}" for number in range(8)}
    assert [name for name in os.listdir(home.root) if name.startswith(".")] == []


def test_nothing_heavy_is_imported_to_read_the_configuration() -> None:
    """tomlkit costs 30 ms and belongs to an edit only."""
    program = (
        "import sys, sereno.core.config; "
        "print(sorted({'tomlkit', 'asyncio', 'tempfile', 'textual'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
