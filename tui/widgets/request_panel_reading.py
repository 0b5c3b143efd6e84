"""What a request reads as, honestly: a reading of its text, never a promise about what it does.

A command is only described where it is plain words; anything that a shell would interpret is
said to be just that (T48). No agent prose is read. Pure; called by request_panel_text.py.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

__all__ = ["Place", "Reading", "read_command", "read_file", "read_url"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the agent works: `folder` is the current one, `root` what counts as inside."""

    folder: str
    root: str
    word: str = "folder"
    """What `root` is called: "worktree" or "folder"."""


@dataclass(frozen=True, slots=True)
class Reading:
    """`low`: only known words that read, inside the root. Never true by default."""

    words: str
    low: bool = False


_PLAIN: Final = re.compile(
    r"""^\s*(?:[\w@%+=:,./-]+|'[^'\n\r]*'|"[^"$`\\!\n\r]*")"""
    r"""(?:[ \t]+(?:[\w@%+=:,./-]+|'[^'\n\r]*'|"[^"$`\\!\n\r]*"))*\s*$""",
    re.ASCII,
)
"""Words apart from each other, each bare or wholly in quotes; no character for the shell."""

_SYNTAX: Final[tuple[tuple[str, str], ...]] = (
    (r"[\n\r]", "several lines"),
    (r"\$\(|`", "a command inside a command"),
    (r"\$", "a variable"),
    (r"<<", "a text handed to a program"),
    (r"\|\||&&|;", "several commands"),
    (r"(?<!\|)\|(?!\|)", "a pipe"),
    (r"(?<!&)&(?!&)", "a background job"),
    (r"[<>]", "a redirection"),
    (r"[*?\[\]{}~]", "a pattern"),
    (r"[\\'\"!^]", "quoting inside a word"),
    (r"[^\x20-\x7e\r\n]", "characters outside ASCII"),
)

_READERS: Final = frozenset(
    {"ls", "pwd", "cat", "head", "wc", "stat", "du", "df", "whoami", "id"}
    | {"true", "basename", "dirname", "echo", "grep", "cmp", "diff"}
)
"""Programs that no argument makes write, run something, or use the network."""

_KINDS: Final[tuple[tuple[str, str], ...]] = (
    (
        "curl wget ssh scp sftp ftp psql mysql mongosh redis-cli nc ncat netcat socat telnet rsync "
        "ping dig host nslookup whois http https gh aws gcloud az kubectl",
        "a network client",
    ),
    ("rm rmdir unlink shred", "which deletes"),
    ("sudo su doas pkexec runuser", "which runs something with another user's rights"),
    (
        "sh bash dash zsh fish ksh csh tcsh python python3 perl ruby node deno bun php lua awk "
        "gawk mawk osascript tclsh r rscript julia eval source . exec",
        "an interpreter: it can do anything",
    ),
    (
        "env xargs nohup timeout time nice ionice setsid watch find parallel entr script expect "
        "tmux screen at batch crontab systemctl systemd-run chroot unshare nsenter command builtin "
        "alias busybox toybox strace gdb ld.so stdbuf flock",
        "which can run any other program",
    ),
    ("docker podman nerdctl lxc vagrant virsh", "which starts containers or machines"),
    (
        "make cmake ninja npm npx pnpm yarn pip pip3 pipx uv uvx cargo go gradle mvn bazel just "
        "rake bundle gem composer poetry tox nox pre-commit apt apt-get dnf yum brew pacman snap",
        "which runs what project files or packages say",
    ),
    ("pytest jest vitest mocha rspec phpunit tsc ruff mypy", "which runs code of the project"),
    ("git hg svn jj", "version control: it can run hooks and configured programs"),
    (
        "mv cp mkdir touch chmod chown chgrp ln tee dd truncate install sed patch tar zip unzip "
        "gzip gunzip mkfs mount umount kill pkill killall",
        "which changes files or processes",
    ),
)
_KIND_OF: Final = {name: words for names, words in _KINDS for name in names.split()}


def read_command(command: str, place: Place) -> Reading:
    """A shell command. Anything but plain words is only named, never judged harmless."""
    if not command.strip():
        return Reading("an empty command")
    if not _PLAIN.match(command):
        return Reading(f"shell syntax ({_syntax_in(command)}): not read further, judge it yourself")
    words = shlex.split(command)
    bare = command.lstrip()[0] not in "'\""
    name = words[0]
    if not bare or "=" in name or name.startswith(("-", "%")):
        return Reading("shell syntax (quoting or a setting before the program): not read further")
    outside = _paths_outside(words[1:], place)
    paths = _about_paths(outside, place)
    if "/" in name:
        return Reading(f"{posixpath.basename(name)}, a program named by its path; {paths}")
    if name in _READERS:
        return Reading(f"{name}, which only reads; {paths}", low=not outside)
    kind = _KIND_OF.get(name.lower(), "") or _KIND_OF.get(re.sub(r"[\d.]+$", "", name.lower()), "")
    return Reading(f"{name}, {kind or 'a program that is not known here'}; {paths}")


def read_file(verb: str, path: str, place: Place) -> Reading:
    """`verb` in words ("changes", "reads") for one file of a tool call."""
    outside = _paths_outside([path], place)
    where = f"outside the {place.word}" if outside else f"inside the {place.word}"
    return Reading(f"{verb} one file {where}", low=verb == "reads" and not outside)


def read_url(url: str) -> Reading:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return Reading(f"a request over the network to {host}" if host else "an address without a host")


def _syntax_in(command: str) -> str:
    found = [words for pattern, words in _SYNTAX if re.search(pattern, command)]
    return ", ".join(found[:3]) or "unusual characters"


def _about_paths(outside: list[str], place: Place) -> str:
    if not outside:
        return f"names no path outside the {place.word}"
    return f"names {', '.join(outside[:3])} outside the {place.word}"


def _paths_outside(words: Iterable[str], place: Place) -> list[str]:
    """Words that name a path outside the root, as text: links are not followed."""
    found: list[str] = []
    for word in words:
        candidates = [word]
        mixed = word.startswith("-") or ":" in word or "=" in word
        if mixed:
            candidates = [part for part in re.split(r"[=:,]", word) if part]
            if word.startswith("-") and "/" in word:
                candidates.append(word[word.index("/") :])
        if any(_is_outside(candidate, place) for candidate in candidates):
            found.append(word)
    return found


def _is_outside(word: str, place: Place) -> bool:
    if word.startswith("~"):
        return True
    if "/" not in word and word != "..":
        return False
    full = posixpath.normpath(posixpath.join(place.folder, word))
    root = posixpath.normpath(place.root)
    return full != root and not full.startswith(root.rstrip("/") + "/")
