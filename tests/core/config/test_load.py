"""The four places of a setting, and that every setting has its row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from sereno.core.config import (
    Config,
    ConfigError,
    as_variables,
    load_config,
)
from sereno.core.config.keys import SETTINGS, VARIABLES
from sereno.core.config.load import build_config
from sereno.core.config.source import Source
from sereno.core.home import Home, prepare

if TYPE_CHECKING:
    pass

from tests.core.config.helpers import load, value_of

HASH = "$2b$12$" + "a" * 21 + "e" + "a" * 31


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    prepare(home)
    return home


def test_no_file_is_the_defaults(home: Home) -> None:
    config = load_config(home, {})
    assert config == Config()
    assert config.daemon.listen == ("127.0.0.1:6767",)
    assert config.daemon.relay.enabled is False
    assert config.daemon.auth.loopback == "same-user"
    assert config.agents.end_grace_seconds == 3.0


def test_every_field_has_its_row_and_every_row_its_field() -> None:
    def names(part: msgspec.Struct, prefix: str = "") -> set[str]:
        found = set()
        for name in part.__struct_fields__:
            value = getattr(part, name)
            key = prefix + name
            found |= names(value, key + ".") if isinstance(value, msgspec.Struct) else {key}
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
device_days = 30
[daemon.relay]
enabled = true
endpoint = "wss://relay.example.com/"
public_endpoint = "relay.example.com:443"
pins = ["sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
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
park_after_minutes = 30
park_memory_mb = 4096
[ui]
theme = "mono"
mouse = false
bell = false
animations = false
[ui.keys]
fleet.new = "a"
"fleet.log" = "f2, o"
"""


def test_every_setting_can_be_set() -> None:
    config = load(EVERYTHING)
    for key in SETTINGS:
        assert value_of(config, key) != value_of(Config(), key), key
    assert config.daemon.hostnames == (".example.com",)
    assert config.agents.end_grace_seconds == 5.0
    assert config.app.base_url == "https://app.example.com"
    assert config.ui.keys == {"fleet.new": "a", "fleet.log": "f2, o"}


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
        "daemon.auth.device_days": "30",
        "daemon.relay.enabled": "on",
        "daemon.relay.endpoint": "r.example:1",
        "daemon.relay.public_endpoint": "r.example:2",
        "daemon.relay.pins": "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "app.base_url": "https://x.example",
        "log.level": "fatal",
        "log.format": "pretty",
        "agents.end_grace_seconds": "0.5",
        "agents.queue_limit": "3",
        "agents.journal_limit_mb": "5",
        "agents.park_after_minutes": "0.5",
        "agents.park_memory_mb": "2048",
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


def test_a_flag_that_is_no_setting_is_refused_with_what_was_meant() -> None:
    with pytest.raises(ConfigError) as caught:
        load("", log__colour="red")
    assert caught.value.code == "unknown_key"
    with pytest.raises(ConfigError) as caught:
        load("", daemon__lisen="1")
    assert "`daemon.listen`" in caught.value.next_step


def test_a_password_is_no_flag() -> None:
    with pytest.raises(ConfigError) as caught:
        load("", daemon__auth__password="$2b$12$" + "a" * 53)
    assert "set-password" in caught.value.next_step
    assert "$2b$" not in str(caught.value)


def test_flags_as_variables_say_the_same_to_the_next_daemon() -> None:
    flags = {"daemon.listen": "1,[::1]:2", "log.level": "debug", "daemon.hostnames": ".a"}
    variables = as_variables(flags)
    assert load("", variables) == build_config(Source(Path("config.toml")), {}, flags)


@pytest.mark.parametrize("text", ["keys = 1", "[ui.keys]\nfleet.new = 1", '[ui.keys]\n"x" = " "'])
def test_keys_that_are_no_table_of_texts(text: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load(f"[ui]\n{text}")
    assert refusal.value.code == "wrong_value"
    assert "`ui.keys`" in refusal.value.message
