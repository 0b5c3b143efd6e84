"""Where the home lies, and where things lie in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sereno
from sereno.core.home import (
    Home,
    HomeError,
    find_home,
)

SOURCE = str(Path(sereno.__file__).parent.parent)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.mark.parametrize(
    ("env", "root"),
    [
        ({"HOME": "/u"}, "/u/.sereno"),
        ({"HOME": "/u", "SERENO_HOME": ""}, "/u/.sereno"),
        ({"HOME": "/u", "SERENO_HOME": "~/x"}, "/u/x"),
        ({"HOME": "/u", "SERENO_HOME": "~"}, "/u"),
        ({"HOME": "/u", "SERENO_HOME": "/srv/../srv/s"}, "/srv/s"),
        ({"SERENO_HOME": "/srv/s"}, "/srv/s"),
    ],
)
def test_find_home(env: dict[str, str], root: str) -> None:
    assert find_home(env).root == Path(root)


def test_find_home_makes_a_relative_path_absolute() -> None:
    assert find_home({"SERENO_HOME": "x/y"}).root == Path.cwd() / "x/y"


def test_find_home_refuses_nul() -> None:
    with pytest.raises(HomeError) as caught:
        find_home({"SERENO_HOME": "/a\0b"})
    assert caught.value.code == "unusable"


def test_find_home_refuses_a_relative_home_of_the_user() -> None:
    with pytest.raises(HomeError) as caught:
        find_home({"HOME": "nowhere"})
    assert caught.value.code == "no_home"


def test_paths(home: Home) -> None:
    assert home.config == home.root / "config.toml"
    assert home.database == home.root / "sereno.db"
    assert home.socket == home.root / "run/daemon.sock"
    assert home.lock == home.root / "run/daemon.lock"
    assert home.status == home.root / "run/daemon.json"
    assert home.daemon_log == home.root / "logs/daemon.log"
    assert home.agent("3e1f-a_B") == home.root / "run/agents/3e1f-a_B"


@pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "../x", "-x", "a\0", "x" * 200])
def test_an_agent_id_is_no_path(home: Home, bad: str) -> None:
    with pytest.raises(ValueError, match="not an agent id"):
        home.agent(bad)


def test_a_home_is_a_value(home: Home) -> None:
    assert home == Home(home.root)
    assert len({home, Home(home.root), Home(home.run)}) == 2
    assert str(home.root) in repr(home)


def test_the_command_line_pays_little_for_this_module() -> None:
    """It is imported by every `sereno ls`; what costs tens of milliseconds stays out."""
    program = (
        "import sys; before = set(sys.modules); import sereno.core.home; "
        "print(sorted((set(sys.modules) - before) & {'dataclasses', 'inspect', 'typing', "
        "'tempfile', 'fcntl', 'asyncio'}))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.append({SOURCE!r}); {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_what_does_not_exist_is_said_to() -> None:
    import sereno.core.home as module

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing
