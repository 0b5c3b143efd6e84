"""Reading checkouts without git: compared with what git itself says."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sereno.core.workspaces.gitfiles import (
    find_checkout,
    parse_config,
    read_branch,
    read_remotes,
)
from tests.core.workspaces.repository import ENVIRONMENT, git, make_repository

# --- the configuration


CONFIG = r"""
; comment
# comment
[core]
	bare = false
	fileMode
[remote "origin"]
	url = git@github.com:acme/app.git   # ours
	fetch = +refs/heads/*:refs/remotes/origin/*
[remote "with \"quote\\ and ] bracket"]
	url = "  padded # not a comment  " ; comment
	pushurl = a\
b
[Remote.OLD] url = one	two
[branch "Main"] Merge = "refs/heads/ma\"in\t\n\b" x = y
[empty] a =
"""


def by_git(path: Path) -> list[tuple[str, str | None]] | None:
    """The same file as git reads it: (name, value), None where it refuses the file."""
    done = subprocess.run(
        ["git", "config", "--file", str(path), "--no-includes", "--list", "-z"],
        env=ENVIRONMENT,
        capture_output=True,
        timeout=30,
        check=False,
    )
    if done.returncode != 0:
        return None
    entries = done.stdout.decode("utf-8", "replace").split("\0")[:-1]
    return [(e.partition("\n")[0], e.partition("\n")[2] if "\n" in e else None) for e in entries]


def by_us(text: str) -> list[tuple[str, str | None]]:
    return [
        (".".join(part for part in (*section.split("\0"), name) if part), value)
        for section, name, value in parse_config(text)
    ]


@pytest.mark.git
def test_the_configuration_is_read_as_git_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(CONFIG)
    said = by_git(path)
    assert said is not None
    assert len(said) == 9
    assert blank(by_us(CONFIG)) == blank(said)


LINE = st.one_of(
    st.sampled_from(
        [
            '[remote "origin"]',
            '[remote "a.b c\\"d\\\\"]',
            "[core]",
            "[Sub.Section]",
            "url = x",
            "\turl = git@h:p/q.git",
            '  url = " a " b "c"  ; d',
            "key",
            "key # c",
            "k=",
            "k =  a \t b  ",
            "k = a\\",
            'k = \\t\\n\\b\\\\\\"',
            "k = a;b",
            'k = "a;b#c"',
            "; c",
            "",
            "[x] y = z",
            'k = "open',
            "k = \\q",
            "1k = v",
            "k v",
            "[",
            "[a b]",
            "]",
        ]
    ),
    st.text(alphabet='[]"\\=#; \tabk1-.', max_size=12),
)


@pytest.mark.git
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(LINE, max_size=6).map("\n".join), st.booleans())
def test_any_configuration_is_read_as_git_reads_it(
    tmp_path_factory: pytest.TempPathFactory, text: str, final: bool
) -> None:
    text += "\n" if final else ""
    path = tmp_path_factory.getbasetemp() / "any-config"
    path.write_text(text)
    said = by_git(path)
    ours = by_us(text)
    # Where git refuses the whole file nothing is promised but that nothing breaks.
    if said is not None:
        assert blank(ours) == blank(said)


def blank(variables: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """Older releases of git turn a tab inside a value into a blank."""
    return [(name, value and value.replace("\t", " ")) for name, value in variables]


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert isinstance(parse_config(text), list)


# --- checkouts


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "app", src__main_py="x")


@pytest.mark.git
def test_a_checkout_is_found_from_anywhere_in_it(repository: Path) -> None:
    for folder in (repository, repository / "src"):
        checkout = find_checkout(folder)
        assert checkout is not None
        assert checkout.root == repository
        assert checkout.main_root is None
        assert read_branch(checkout) == "main" == git(folder, "branch", "--show-current")
        assert read_remotes(checkout) == {}


@pytest.mark.git
def test_branches_and_detached_heads(repository: Path) -> None:
    checkout = find_checkout(repository)
    assert checkout is not None
    git(repository, "checkout", "-q", "-b", "feature/ü-1")
    assert read_branch(checkout) == "feature/ü-1"
    git(repository, "checkout", "-q", "--detach")
    assert read_branch(checkout) is None


@pytest.mark.git
def test_a_branch_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    checkout = find_checkout(tmp_path)
    assert checkout is not None
    assert read_branch(checkout) == "main"


@pytest.mark.git
def test_remotes_as_git_names_them(repository: Path) -> None:
    git(repository, "remote", "add", "upstream", "https://example.com/up/app.git")
    git(repository, "remote", "add", "origin", "git@github.com:acme/app.git")
    checkout = find_checkout(repository)
    assert checkout is not None
    remotes = read_remotes(checkout)
    assert list(remotes) == ["upstream", "origin"]
    assert remotes["origin"] == git(repository, "config", "remote.origin.url")


@pytest.mark.git
def test_a_linked_worktree_knows_its_main_repository(repository: Path, tmp_path: Path) -> None:
    git(repository, "remote", "add", "origin", "git@github.com:acme/app.git")
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", "-b", "other", str(linked))
    checkout = find_checkout(linked / "src")
    assert checkout is not None
    assert checkout.root == linked
    assert checkout.main_root == repository
    assert read_branch(checkout) == "other"
    assert read_remotes(checkout) == {"origin": "git@github.com:acme/app.git"}


@pytest.mark.git
def test_a_worktree_of_a_bare_repository(repository: Path, tmp_path: Path) -> None:
    bare, linked = tmp_path / "app.git", tmp_path / "linked"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    git(bare, "worktree", "add", "-q", "-b", "w", str(linked))
    checkout = find_checkout(linked)
    assert checkout is not None
    assert checkout.main_root == bare
    assert read_branch(checkout) == "w"
    assert find_checkout(bare) is None


@pytest.mark.git
def test_a_submodule_is_a_checkout_of_its_own(repository: Path, tmp_path: Path) -> None:
    outer = make_repository(tmp_path / "outer")
    git(outer, "submodule", "add", "-q", str(repository), "inner")
    checkout = find_checkout(outer / "inner" / "src")
    assert checkout is not None
    assert checkout.root == outer / "inner"
    assert checkout.main_root is None
    assert read_remotes(checkout) == {"origin": str(repository)}


@pytest.mark.git
def test_a_relative_gitdir_and_a_moved_repository(repository: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", str(linked))
    (linked / ".git").write_text("gitdir: ../app/.git/worktrees/linked\n")
    checkout = find_checkout(linked)
    assert checkout is not None
    assert checkout.main_root == repository
    repository.rename(tmp_path / "moved")
    assert find_checkout(linked) is None


@pytest.mark.git
def test_an_unfinished_git_folder_is_passed_over_as_git_does(repository: Path) -> None:
    (repository / "src" / ".git").mkdir()
    checkout = find_checkout(repository / "src")
    assert checkout is not None
    assert checkout.root == repository


def test_no_checkout(tmp_path: Path) -> None:
    assert find_checkout(tmp_path) is None
    assert find_checkout(tmp_path / "none") is None


@pytest.mark.git
@pytest.mark.parametrize("name", ["HEAD", "config", "commondir"])
def test_t73_a_planted_fifo_or_device_blocks_nobody(repository: Path, name: str) -> None:
    path = repository / ".git" / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    checkout = find_checkout(repository)
    if name == "HEAD":
        assert checkout is None
    else:
        assert checkout is not None
        assert read_remotes(checkout) == {}


@pytest.mark.git
@pytest.mark.parametrize("head", ["", "ref:", "ref: refs/heads/", "x" * 5000, "\0", "ref: refs/x"])
def test_t73_a_strange_head_has_no_branch(repository: Path, head: str) -> None:
    (repository / ".git" / "HEAD").write_text(head)
    checkout = find_checkout(repository)
    assert checkout is None or read_branch(checkout) is None


@pytest.mark.git
@pytest.mark.parametrize(
    "target", ["gitdir: \0", "gitdir: /dev", "nothing", "gitdir: " + "x" * 9999]
)
def test_t73_a_strange_git_file_is_no_checkout(tmp_path: Path, target: str) -> None:
    (tmp_path / ".git").write_text(target)
    assert find_checkout(tmp_path) is None
