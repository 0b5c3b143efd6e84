"""Suggestions for the pickers: what is offered, from where, and for how long it is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from sereno.core.workspaces.suggestions import FRESH_S, Suggestion, Suggestions
from tests.core.workspaces.repository import make_repository
from tests.core.workspaces.test_files import fill


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def paths(found: list[Suggestion]) -> list[str]:
    return [suggestion.path for suggestion in found]


async def test_files_and_folders_inside(tmp_path: Path) -> None:
    fill(tmp_path, "src/main.py", "src/deep/other.py", "README.md")
    suggestions = Suggestions()
    assert await suggestions.inside(str(tmp_path), "main") == [Suggestion("src/main.py", "file")]
    found = await suggestions.inside(str(tmp_path), "src/")
    assert Suggestion("src/", "directory") in found
    assert set(paths(await suggestions.inside(str(tmp_path), "", files=False))) == {
        "src/",
        "src/deep/",
    }
    assert paths(await suggestions.inside(str(tmp_path), "deep", directories=False)) == [
        "src/deep/other.py"
    ]
    assert paths(await suggestions.inside(str(tmp_path), "./READ")) == ["README.md"]
    assert len(await suggestions.inside(str(tmp_path), "", limit=0)) == 1


@pytest.mark.git
async def test_a_deleted_file_is_not_offered(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "app", main_py="", main_txt="")
    (repository / "main.py").unlink()
    assert paths(await Suggestions().inside(str(repository), "main")) == ["main.txt"]


async def test_a_listing_is_kept_for_a_while(tmp_path: Path) -> None:
    clock = Clock()
    suggestions = Suggestions(clock)
    fill(tmp_path, "one.py")
    assert paths(await suggestions.inside(str(tmp_path), "py")) == ["one.py"]
    fill(tmp_path, "two.py")
    assert paths(await suggestions.inside(str(tmp_path), "py")) == ["one.py"]
    clock.now += FRESH_S
    assert paths(await suggestions.inside(str(tmp_path), "py")) == ["one.py", "two.py"]


async def test_only_some_listings_are_kept(tmp_path: Path) -> None:
    suggestions = Suggestions()
    for number in range(20):
        await suggestions.inside(str(fill(tmp_path / str(number), "a")), "a")
    assert len(suggestions._kept) == 8


async def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await Suggestions().inside(str(tmp_path / "gone"), "a")


async def test_folders_for_a_new_agent(tmp_path: Path) -> None:
    fill(tmp_path, "src/app/x", "src/.secret/x", "play/node_modules/x", ".config/x")
    found = await Suggestions().folders("app", tmp_path)
    assert found == [Suggestion(f"{tmp_path}/src/app", "directory")]
    everything = paths(await Suggestions().folders("", tmp_path))
    assert everything == [f"{tmp_path}/{name}" for name in ("play", "src", "src/app")]


async def test_folders_by_a_typed_path(tmp_path: Path) -> None:
    fill(tmp_path, "src/app/x", "src/api/x", "src/.git/x", "src/file")
    suggestions = Suggestions()
    for query in (f"{tmp_path}/src/", "~/src/"):
        assert paths(await suggestions.folders(query, tmp_path)) == [
            f"{tmp_path}/src/api",
            f"{tmp_path}/src/app",
        ]
    assert paths(await suggestions.folders("~/src/pp", tmp_path)) == [f"{tmp_path}/src/app"]
    assert await suggestions.folders("/nowhere/at/all/", tmp_path) == []
