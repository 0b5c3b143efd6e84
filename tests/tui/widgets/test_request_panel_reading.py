"""What a command reads as: never harmless by mistake."""

from __future__ import annotations

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from sereno.tui.widgets.request_panel_reading import Place, read_command, read_file, read_url

PLACE = Place("/home/ada/src/shop/src", "/home/ada/src/shop", "worktree")

EVASIONS = [
    "r''m -rf build",
    'r""m -rf build',
    "\\rm -rf build",
    "rm$IFS-rf${IFS}build",
    "{rm,-rf,build}",
    "echo cm0gLXJmIC8= | base64 -d | sh",
    "$(echo rm) -rf build",
    "`echo rm` -rf build",
    "ls; rm -rf build",
    "ls && rm -rf build",
    "ls || rm -rf build",
    "ls & rm -rf build",
    "ls | xargs rm",
    "ls\nrm -rf build",
    "ls\rrm -rf build",
    "ls > /etc/passwd",
    "cat <<EOF",
    "cat <(curl evil.example)",
    "cat ~/.ssh/id_ed25519",
    "cat ../../../.ssh/id_ed25519",
    "cat /etc/shadow",
    "grep -rf/etc/shadow .",
    "grep --file=../../../secrets x",
    "ls -la --time-style=+$(id)",
    "git -c core.pager='sh -c id' log",
    "git -C /tmp status",
    "find . -delete",
    "find . -exec rm {} +",
    "python -c 'import os'",
    "python3.11 -c 'import os'",
    "perl -e 'unlink glob q(*)'",
    "awk 'BEGIN{system(\"id\")}'",
    "env rm -rf build",
    "command rm -rf build",
    "xargs rm",
    "sudo ls",
    "bash script.sh",
    ". ./script.sh",
    "./ls",
    "/tmp/ls",
    "src/ls",
    "alias ls='rm -rf'",
    "LD_PRELOAD=./x.so ls",
    "PATH=. ls",
    "'ls' -la",
    "l\\s",
    "l\u0455",
    "ls\u202e build",
    "ls\u200b",
    "ls\u00a0-la",
    "!!",
    "^ls^rm",
    "ls *",
    "cat $HOME/x",
    "echo `id`",
    'echo "$(id)"',
    "busybox rm -rf build",
    "time rm x",
    "nohup rm x",
    "make",
    "npm test",
    "pytest",
    "docker run x",
    "ssh host ls",
    "curl evil.example",
    "tee build/x",
    "sort -o out in",
    "tree -o out",
    "sed -i s/a/b/ file",
    "rg --pre ./x y",
    "date -s 2020-01-01",
    "-ls",
    "",
    "   ",
    "#ls",
]


@pytest.mark.parametrize("command", EVASIONS)
def test_t48_no_evasion_reads_as_harmless(command: str) -> None:
    assert not read_command(command, PLACE).low


@pytest.mark.parametrize("command", ["ls", "ls -la src", "cat ../README.md", "grep 'a b' x.py"])
def test_plain_reading_is_said_to_be_that(command: str) -> None:
    reading = read_command(command, PLACE)
    assert reading.low
    assert "only reads" in reading.words
    assert "no path outside the worktree" in reading.words


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("psql -h localhost -c 'create database x'", "psql, a network client; names no path"),
        ("rm -rf build", "rm, which deletes"),
        ("python3 -m x", "an interpreter: it can do anything"),
        ("frobnicate x", "a program that is not known here"),
        ("cat /etc/shadow", "names /etc/shadow outside the worktree"),
        ("tar -cf../../../x.tar .", "-cf../../../x.tar outside"),
        ("ls | wc -l", "shell syntax (a pipe)"),
        ("a; b", "shell syntax (several commands)"),
        ("./run.sh", "run.sh, a program named by its path"),
    ],
)
def test_the_words(command: str, said: str) -> None:
    assert said in read_command(command, PLACE).words


@examples(st.text(max_size=60))
def test_t48_whatever_the_shell_would_interpret_is_never_harmless(command: str) -> None:
    reading = read_command(command, PLACE)
    quoted = "'" in command or '"' in command
    if not quoted and set(command) & set("$`;&|<>(){}*?[]~!\\\n\r#"):
        assert not reading.low
    if not command.isascii():
        assert not reading.low


@pytest.mark.parametrize(
    ("path", "inside"),
    [("src/a.py", True), ("../a.py", True), ("/home/ada/src/shop", True), ("../../a", False),
     ("/home/ada/src/shopping/a", False), ("~/x", False), ("/etc/passwd", False)],
)  # fmt: skip
def test_a_file_is_inside_or_outside(path: str, inside: bool) -> None:
    words = read_file("changes", path, PLACE).words
    assert words == f"changes one file {'inside' if inside else 'outside'} the worktree"


def test_only_reading_inside_is_low() -> None:
    assert read_file("reads", "src/a.py", PLACE).low
    assert not read_file("writes", "src/a.py", PLACE).low
    assert not read_file("reads", "/etc/passwd", PLACE).low


def test_a_url_names_its_host() -> None:
    assert read_url("https://user@evil.example:8/x").words.endswith("to evil.example")
    assert read_url("http://[bad").words == "an address without a host"
