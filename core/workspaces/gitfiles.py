"""Reads what a git checkout says about itself from its files, without running git.

Which checkout a folder belongs to, its branch and its remotes. Nothing of a hostile repository
can run this way (T73), a machine without git gets the same answer, and it costs a tenth of a
millisecond. Formats: gitrepository-layout(5) and git-config(1). Files that a configuration
includes are not followed: remotes stand in the repository's own.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import msgspec

_MOST_CONFIG = 1024 * 1024
_MOST_HEAD = 4096
_BRANCH = "refs/heads/"
_SECTION = r'\[\s*([A-Za-z0-9.-]+)(?:\s+"((?:[^"\\\n]|\\.)*)")?\s*\]'
_VARIABLE = r"([A-Za-z][A-Za-z0-9-]*)[ \t]*"
_BLANKS = " \t\r"  # what git's own isspace() takes for one, besides the line's end
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}


class GitCheckout(msgspec.Struct, frozen=True):
    """A checkout on disk. `main_root` is the main repository's folder when this is one of its
    linked worktrees (for a bare repository the repository itself), else None."""

    root: Path
    git_dir: Path
    common_dir: Path
    main_root: Path | None


def find_checkout(folder: Path) -> GitCheckout | None:
    """The checkout that `folder` lies in, or None. Does not leave the file system, as git does."""
    try:
        device = folder.stat().st_dev
    except OSError:
        return None
    for root in (folder, *folder.parents):
        try:
            if root.stat().st_dev != device:
                return None
        except OSError:
            return None
        checkout = _checkout_at(root)
        if checkout is not None:
            return checkout
    return None


def read_branch(checkout: GitCheckout) -> str | None:
    """The name of the branch; None when detached or unreadable."""
    head = _read(checkout.git_dir / "HEAD", _MOST_HEAD)
    if head is None or not head.startswith("ref:"):
        return None
    ref = head.removeprefix("ref:").strip()
    # A repository with reftables says ".invalid" here; its branch is known to git alone.
    if not ref.startswith(_BRANCH) or ref == _BRANCH + ".invalid":
        return None
    return ref.removeprefix(_BRANCH) or None


def read_remotes(checkout: GitCheckout) -> dict[str, str]:
    """Each remote's first fetch URL, as written, in the order of the configuration."""
    text = _read(checkout.common_dir / "config", _MOST_CONFIG)
    remotes: dict[str, str] = {}
    for section, name, value in parse_config(text or ""):
        if section.startswith("remote\0") and name == "url" and value:
            remotes.setdefault(section.partition("\0")[2], value)
    return remotes


def parse_config(text: str) -> list[tuple[str, str, str | None]]:
    """All variables of a git configuration as (section NUL subsection, name, value).

    Section and variable names are in lower case, a variable without "=" has the value None. Stops
    at the first line that git would refuse, and keeps what stood before it.
    """
    found: list[tuple[str, str, str | None]] = []
    head, variable = re.compile(_SECTION), re.compile(_VARIABLE)
    section = ""
    at = 0
    text = text.replace("\r\n", "\n")
    while at < len(text):
        if text[at] in "#;":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif text[at] in _BLANKS or text[at] == "\n":
            at += 1
        elif text[at] == "[":
            match = head.match(text, at)
            if match is None:
                return found
            section = _section_name(match)
            at = match.end()
        else:
            match = variable.match(text, at)
            if match is None:
                return found
            value, end = _value(text, match.end())
            if end < 0:
                return found
            found.append((section, match[1].lower(), value))
            at = end
    return found


def _section_name(match: re.Match[str]) -> str:
    if match[2] is None:
        # The old form [remote.origin]: the subsection is in lower case.
        first, _, rest = match[1].lower().partition(".")
        return f"{first}\0{rest}"
    name = re.sub(r"\\(.)", r"\1", match[2])
    return f"{match[1].lower()}\0{name}"


def _value(text: str, at: int) -> tuple[str | None, int]:
    """The value that begins at `at`, and where the next thing begins; -1 when it is malformed."""
    if at >= len(text) or text[at] in "\n#;":
        return None, at
    if text[at] != "=":
        return None, -1
    at += 1
    out: list[str] = []
    kept = 0  # length of `out` without trailing blanks outside quotes
    quoted = False
    while at < len(text):
        char = text[at]
        at += 1
        if char == "\n":
            break
        if char == "\\":
            following = text[at : at + 1]
            at += 1
            if following in ("\n", ""):
                continue
            if following not in _ESCAPES:
                return None, -1
            out.append(_ESCAPES[following])
        elif char == '"':
            quoted = not quoted
            kept = len(out)
            continue
        elif char in "#;" and not quoted:
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            break
        elif char in _BLANKS and not quoted:
            if out:
                out.append(char)
            continue
        else:
            out.append(char)
        kept = len(out)
    return (None, -1) if quoted else ("".join(out[:kept]), at)


def _checkout_at(root: Path) -> GitCheckout | None:
    dot_git = root / ".git"
    try:
        found = dot_git.stat()
    except OSError:
        return None
    git_dir = dot_git
    if stat.S_ISREG(found.st_mode):
        text = _read(dot_git, _MOST_HEAD)
        if text is None or not text.startswith("gitdir:"):
            return None
        git_dir = Path(os.path.normpath(root / text.removeprefix("gitdir:").strip("\n\r ")))
    common = _common_dir(git_dir)
    if not (common / "objects").is_dir() or not (common / "refs").is_dir():
        return None
    if _read(git_dir / "HEAD", _MOST_HEAD) is None:
        return None
    main = None
    if common != git_dir:
        main = common.parent if common.name == ".git" else common
    return GitCheckout(root, git_dir, common, main)


def _common_dir(git_dir: Path) -> Path:
    text = _read(git_dir / "commondir", _MOST_HEAD)
    if text is None:
        return git_dir
    return Path(os.path.normpath(git_dir / text.strip("\n\r ")))


def _read(path: Path, most: int) -> str | None:
    """The text of a regular file of bounded size; None for anything else.

    Opened without waiting, because a hostile repository may have put a FIFO there.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            return None
        return os.read(descriptor, most).decode("utf-8", "replace")
    except OSError:
        return None
    finally:
        os.close(descriptor)
