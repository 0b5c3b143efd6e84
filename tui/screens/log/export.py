"""A log for somebody else to read: its lines as text, without what looks like a secret. Pure.

It removes what it knows: keys of known shapes, words that stand as a value beside a name such as
`token`, sign-ins in addresses, private keys. Who sends it on should still read it, and the file
says so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from sereno.core.protocol.additions import LogLine
from sereno.tui.wall import harmless
from sereno.tui.words import count

__all__ = ["export_text", "file_name", "redact", "told"]

_NAMES = r"pass(?:word|wd|phrase)?|secret|token|api[_-]?key|authorization|credentials?|cookie"
_PATTERNS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "private key",
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
        ),
        "[private key removed]",
    ),
    (
        "key",
        re.compile(
            r"\b(?:sk-[\w-]{8,}|gh[oprsu]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{12,}"
            r"|xox[abeprs]-[\w-]{8,}|AKIA[0-9A-Z]{12,}|AIza[\w-]{20,}|hf_\w{16,}|npm_\w{20,}"
            r"|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*)"
        ),
        "[key removed]",
    ),
    (
        "sign-in",
        re.compile(r"(?P<keep>\b[a-z][a-z0-9+.-]*://)[^\s/@:]+:[^\s/@]+@", re.I),
        "[sign-in removed]@",
    ),
    ("pairing link", re.compile(r"(?P<keep>#offer=)[^\s\"']+"), "[offer removed]"),
    (
        "secret",
        re.compile(r"(?P<keep>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.I),
        "[secret removed]",
    ),
    (
        "secret",
        re.compile(
            rf"(?P<keep>[\w-]*(?:{_NAMES})[\w-]*[\"']?\s*[=:]\s*[\"']?)(?!\[)[^\s\"',;&]+", re.I
        ),
        "[secret removed]",
    ),
)


def redact(text: str) -> tuple[str, Counter[str]]:
    """The text without secrets, and how many of which kind were removed."""
    removed: Counter[str] = Counter()
    for kind, pattern, instead in _PATTERNS:

        def put(found: re.Match[str], instead: str = instead) -> str:
            return (found.groupdict().get("keep") or "") + instead

        text, times = pattern.subn(put, text)
        removed[kind] += times
    return text, +removed


def told(removed: Counter[str]) -> str:
    """`removed 2 keys, 1 secret`, or that nothing was."""
    if not removed:
        return "nothing that looks like a secret was in it"
    return "removed " + ", ".join(count(number, kind) for kind, number in sorted(removed.items()))


def export_text(source: str, lines: Sequence[LogLine]) -> tuple[str, Counter[str]]:
    """The whole file, and what was removed. Lines of one message stay together, indented."""
    rows = []
    for each in lines:
        text = "\n    ".join(harmless(part) for part in each.text.rstrip("\n").split("\n"))
        rows.append(f"{each.at} {each.level:<5} {each.area} {text}")
    body, removed = redact("\n".join(rows))
    head = (
        f"Sereno, log of {harmless(source)}, {count(len(lines), 'line')}\n"
        f"Secrets: {told(removed)}. Read it before you send it on.\n\n"
    )
    return f"{head}{body}\n", removed


def file_name(source: str, stamp: str) -> str:
    """`log-daemon-20261121-1402.txt`; `source` is `daemon` or an agent's id."""
    return f"log-{re.sub(r'[^A-Za-z0-9-]', '', source)[:12]}-{stamp}.txt"
