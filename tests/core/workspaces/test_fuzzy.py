"""Ranking of paths by a few letters."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.core.workspaces.fuzzy import rank, score

PATHS = [
    "README.md",
    "core/agents/fleet.py",
    "core/config/load.py",
    "core/home/lock.py",
    "docs/architecture.md",
    "tests/core/test_config.py",
    "tui/screens/fleet.py",
    "tui/widgets/FileList.py",
]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("fleet.py", "core/agents/fleet.py"),
        ("readme", "README.md"),
        ("lock", "core/home/lock.py"),
        ("colo", "core/config/load.py"),
        ("arch", "docs/architecture.md"),
        ("core/conf", "core/config/load.py"),
        ("tcfg", "tests/core/test_config.py"),
        ("screfle", "tui/screens/fleet.py"),
        ("FL", "tui/widgets/FileList.py"),
        ("agents fleet", "core/agents/fleet.py"),
        ("fleet agents", "core/agents/fleet.py"),
        ("load.py", "core/config/load.py"),
    ],
)
def test_the_best_comes_first(query: str, best: str) -> None:
    assert rank(query, PATHS, 3)[0] == best


def test_the_rules_of_order() -> None:
    def better(query: str, first: str, second: str) -> None:
        assert rank(query, [second, first], 2) == [first, second], query

    better("config", "a/config.py", "config/a.py")  # in the name beats in the folders
    better("conf", "x/config.py", "x/myconf.py")  # at the name's begin beats inside it
    better("conf", "x/my_conf.py", "x/myconf.py")  # at a word's begin beats inside one
    better("abc", "x/abc.txt", "x/a_b_c.txt")  # together beats apart
    better("main", "main.py", "src/long/main.py")  # short beats long
    better("load", "load", "load.py")  # the exact name beats all


def test_what_does_not_fit_is_left_out() -> None:
    assert rank("zzz", PATHS, 10) == []
    assert rank("fleet zzz", PATHS, 10) == []
    assert score("xyz", "abc") is None
    assert rank("Readme", PATHS, 10) == []  # a capital letter must be met


def test_an_empty_query_keeps_the_order() -> None:
    assert rank("", PATHS, 3) == PATHS[:3]
    assert rank("  ", PATHS, 100) == PATHS


@given(st.text(max_size=20), st.lists(st.text(max_size=30), max_size=20))
def test_any_query_and_paths(query: str, paths: list[str]) -> None:
    found = rank(query, paths, 5)
    assert len(found) <= 5
    assert set(found) <= set(paths)


@given(st.text(alphabet="abcAB/._-", min_size=1, max_size=20))
def test_every_path_is_found_by_itself(path: str) -> None:
    assert rank(path, [path, "zz"], 5) == [path]


def test_a_letter_that_fits_everything_is_ranked_in_little_time() -> None:
    paths = [f"module_{n % 200}/src/component_{n}_view.tsx" for n in range(20_000)]
    begin = time.process_time()
    found = rank("c", [*paths, "c.py", "x/deep/down/config.py"], 10)
    assert time.process_time() - begin < 0.5
    assert found[0] == "c.py"


def test_among_many_the_letters_together_are_kept_however_long_the_path() -> None:
    paths = [f"a{n}/b/c/d.py" for n in range(3000)]
    far = "a/very/long/way/down/to/the/file/abcd.py"
    assert rank("abcd", [*paths, far], 3)[0] == far


def test_a_hostile_query_takes_no_time() -> None:
    paths = ["a" * 250 + "/" + "ab" * 100 for _ in range(200)]
    begin = time.process_time()
    rank("a" * 100 + "z", paths, 10)
    rank("ab" * 64, paths, 10)
    assert time.process_time() - begin < 2.0
