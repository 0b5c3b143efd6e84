"""What a service file says about the installation that writes it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sereno.tui.cli.errors import CliError
from sereno.tui.cli.service.facts import gather


def program_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    made = folder / "sereno"
    made.write_text("#!/bin/sh\n")
    made.chmod(0o755)
    return made


def test_the_name_on_path_is_kept_over_an_upgrade(tmp_path: Path) -> None:
    """pipx makes a link in ~/.local/bin to a folder that the next version may not have."""
    real = program_in(tmp_path / "venvs" / "0.1.0")
    link = tmp_path / "bin" / "sereno"
    link.parent.mkdir()
    link.symlink_to(real)
    environment = {"HOME": str(tmp_path), "PATH": f"{link.parent}:/usr/bin"}
    for given in (link, real):
        assert gather(environment, str(given)).command == (str(link), "--no-ui")


def test_another_program_of_that_name_on_path_is_not_ours(tmp_path: Path) -> None:
    ours = program_in(tmp_path / "ours")
    program_in(tmp_path / "theirs")
    environment = {"HOME": str(tmp_path), "PATH": str(tmp_path / "theirs")}
    assert gather(environment, str(ours)).command == (str(ours), "--no-ui")


def test_without_a_program_it_is_the_interpreter_that_runs(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": ""}
    wanted = (sys.executable, "-P", "-m", "sereno", "--no-ui")
    assert gather(environment, str(tmp_path / "__main__.py")).command == wanted


def test_the_path_holds_absolute_folders_once(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": "/a:.::bin:/b:/a:~/c"}
    assert gather(environment, "x").path == "/a:/b"


def test_each_home_has_a_service_of_its_own(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": "/a"}
    usual = gather(environment, "x")
    assert (usual.name, usual.home) == ("sereno", None)
    named = gather({**environment, "SERENO_HOME": "~/.sereno"}, "x")
    assert (named.name, named.home) == ("sereno", None)
    work = gather({**environment, "SERENO_HOME": f"{tmp_path}/Work home"}, "x")
    assert work.name.startswith("sereno-work-home-")
    assert work.home == f"{tmp_path}/Work home"
    other = gather({**environment, "SERENO_HOME": "/elsewhere/Work home"}, "x")
    assert other.name.startswith("sereno-work-home-")
    assert other.name != work.name
    odd = gather({**environment, "SERENO_HOME": f"{tmp_path}/\u2603"}, "x")
    assert odd.name.startswith("sereno-home-")


def test_a_folder_that_no_service_file_can_name_is_refused(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": "/a", "SERENO_HOME": "/a\nExecStartPre=/bin/evil"}
    with pytest.raises(CliError, match="control character"):
        gather(environment, "x")
    with pytest.raises(CliError, match="control character"):
        gather({"HOME": str(tmp_path), "PATH": "/a\nRestart=no"}, "x")


def test_the_home_folder_is_found_without_home() -> None:
    from sereno.tui.cli.service.facts import user_home

    assert user_home({}) == Path(os.path.expanduser("~"))
    assert user_home({"HOME": "/x"}) == Path("/x")
