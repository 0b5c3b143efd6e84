"""Which folders are trusted, and what lies in those that are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sereno.core.providers.trust import is_trusted, left_out


def test_a_folder_trusts_all_below_it_and_nothing_beside_it(tmp_path: Path) -> None:
    work = tmp_path / "work"
    assert is_trusted(str(work), [str(work)])
    assert is_trusted(str(work / "one" / "two"), ["/nowhere", str(work)])
    assert not is_trusted(str(tmp_path / "workshop"), [str(work)])
    assert not is_trusted(str(work / ".." / "other"), [str(work)])
    assert not is_trusted(str(work), [])


def test_a_link_into_a_trusted_folder_is_where_it_leads(tmp_path: Path) -> None:
    work, other = tmp_path / "work", tmp_path / "other"
    work.mkdir()
    other.mkdir()
    (work / "link").symlink_to(other)
    (tmp_path / "alias").symlink_to(work)
    assert not is_trusted(str(work / "link"), [str(work)])
    assert is_trusted(str(work), [str(tmp_path / "alias")])


def test_the_home_can_be_named_shortly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert is_trusted(str(tmp_path / "work" / "a"), ["~/work"])
    assert not is_trusted("/elsewhere", ["~"])


def test_what_is_left_out_is_found_up_to_the_root_of_the_repository(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    place = repo / "part"
    for path in (repo / ".git", repo / ".claude" / "skills", place / ".claude"):
        path.mkdir(parents=True)
    for path in (tmp_path / ".mcp.json", repo / ".mcp.json", repo / "CLAUDE.md"):
        path.touch()
    (place / "CLAUDE.md").touch()
    (place / ".claude" / "settings.local.json").touch()
    assert left_out(str(place), tmp_path) == (
        ".claude/settings.local.json",
        str(repo / ".claude" / "skills"),
        str(repo / ".mcp.json"),
        str(repo / "CLAUDE.md"),
    )
    assert left_out(str(repo), tmp_path) == (".claude/skills", ".mcp.json")


def test_the_persons_own_settings_are_not_a_repositorys(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").touch()
    assert left_out(str(tmp_path), tmp_path) == ()
    assert left_out(str(tmp_path), tmp_path / "other") == (".claude/settings.json",)
