"""Edits of config.toml keep what the person wrote."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomlkit

from sereno.core.config import (
    ConfigError,
    edit_config,
    load_config,
    put,
)
from sereno.core.home import Home, HomeError, prepare

if TYPE_CHECKING:
    pass

from tests.core.config.helpers import load, value_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    prepare(home)
    return home


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
