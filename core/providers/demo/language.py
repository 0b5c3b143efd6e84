"""The demo agent's small language of prompts, and the parser for it.

Pure: text in, a list of acts out. `HELP` is the language's only documentation; the agent shows it
for `help`. What an act does is in acts.py and load.py.
"""

from __future__ import annotations

import re
import shlex

import msgspec

__all__ = ["HELP", "Act", "Edit", "Look", "Simple", "Stream", "Write", "parse"]

HELP = """\
# What the demo agent understands

I am a real agent program without a model behind me. One act per line, or joined by ` then `.

| You write | I do |
| --- | --- |
| anything else | look around in this folder and tell what I see |
| `show` | answer with headings, a list, code, a table |
| `read FILE` | read a file |
| `edit FILE` | add a line to a file, with a diff; asks first |
| `edit FILE replace "A" with "B"` | replace text in a file; asks first |
| `write FILE TEXT` | write a file; asks first |
| `run COMMAND` | run a command in a shell, show its output; asks first |
| `find TEXT` | search the files here |
| `plan` | make a plan and work through it |
| `ask QUESTION` | ask for permission and do nothing with it |
| `think TEXT` | think before answering |
| `wait 2s` | do nothing for a while |
| `stream 5000 every 1ms` | stream 5000 numbered lines of text |
| `stream 100 events of 80 bytes every 10ms` | the same, with the length of a line |
| `stream 50 tools` | 50 numbered tool calls instead of text (or `thoughts`) |
| `fail`, `fail rate`, `fail auth`, `fail TEXT` | end the turn with an error |
| `crash`, `crash 7` | die with exit code 3 (or 7) and a word on stderr |
| `garbage 5` | print lines that are not the protocol |
| `half` | say half a message, pause, then the other half |
| `cut` | say half a message and exit |
| `flood 1000` | write lines to stderr |
| `deaf` | close my ears: stdin is shut, the turn goes on |
| `hang` | never answer, until interrupted (`hang hard`: not even then) |
| `hostile` | say what a hostile program would say |

Modes: *Ask first* asks before changes, *Accept edits* asks for commands only, *Plan* changes
nothing.
"""


class Simple(msgspec.Struct, frozen=True):
    """An act whose name says it all, with the rest of the line as its argument."""

    verb: str
    argument: str = ""


class Edit(msgspec.Struct, frozen=True):
    """`old` None: append `new` as a line."""

    path: str
    old: str | None
    new: str


class Write(msgspec.Struct, frozen=True):
    path: str
    text: str


class Stream(msgspec.Struct, frozen=True):
    """`size`: bytes of one event with its newline, at least what its number needs."""

    count: int
    kind: str = "events"
    size: int = 64
    every_s: float = 0.0


class Look(msgspec.Struct, frozen=True):
    """Anything that is no command."""

    prompt: str


Act = Simple | Edit | Write | Stream | Look

_NEEDS_ARGUMENT = frozenset({"read", "run", "find", "ask", "think", "wait"})
_ALONE = frozenset({"help", "show", "plan", "fail", "crash", "garbage", "half", "cut", "flood"})
_SIMPLE = _NEEDS_ARGUMENT | _ALONE | {"deaf", "hang", "hostile"}
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0}
_STREAM = re.compile(
    r"stream\s+(\d+)(?:\s+(events?|tools?|thoughts?))?(?:\s+of\s+(\d+)(?:\s*bytes?)?)?"
    r"(?:\s+every\s+(\d+(?:\.\d+)?)\s*(us|ms|s)?)?\s*",
    re.IGNORECASE,
)
_REPLACE = re.compile(r"\s+replace\s+", re.IGNORECASE)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|)", re.IGNORECASE)


def parse(prompt: str) -> list[Act]:
    """The acts of a prompt. If any part of it is no command, all of it is one `Look`."""
    lines = [line.strip() for line in prompt.strip().splitlines() if line.strip()]
    parts = [part for line in lines for part in _split_then(line)]
    acts = [_act(part.removeprefix("/")) for part in parts]
    known = [act for act in acts if act is not None]
    return known if known and len(known) == len(acts) else [Look(prompt.strip())]


def _split_then(line: str) -> list[str]:
    # The command of `run` may itself hold the word; it ends only with the line.
    head, *rest = line.split(" then ", 1)
    if not rest or head.split(" ", 1)[0].lower() in {"run", "write", "ask", "think"}:
        return [line]
    return [head.strip(), *_split_then(rest[0].strip())]


def duration(text: str) -> float | None:
    """`1.5s`, `20 ms`, `3` (seconds) in seconds; None if it is no duration."""
    match = _DURATION.fullmatch(text.strip())
    return float(match.group(1)) * _UNITS[match.group(2).lower()] if match else None


def _act(text: str) -> Act | None:
    verb, _, argument = text.partition(" ")
    verb, argument = verb.lower(), argument.strip()
    if verb == "stream":
        return _stream(text)
    if verb == "edit" and argument:
        return _edit(argument)
    if verb == "write" and argument:
        path, _, content = argument.partition(" ")
        return Write(path, content.replace("\\n", "\n") + "\n")
    if verb not in _SIMPLE or (verb in _NEEDS_ARGUMENT and not argument):
        return None
    if verb == "wait" and duration(argument) is None:
        return None
    if verb not in _NEEDS_ARGUMENT | {"fail", "plan"} and len(argument.split()) > 1:
        return None  # "show me the tests": a sentence, not the command
    return Simple(verb, argument)


def _stream(text: str) -> Stream | None:
    match = _STREAM.fullmatch(text)
    if match is None:
        return None
    count, kind, size, every, unit = match.groups()
    return Stream(
        int(count),
        (kind or "events").lower().rstrip("s") + "s",
        int(size) if size else 64,
        float(every) * _UNITS[(unit or "ms").lower()] if every else 0.0,
    )


def _edit(argument: str) -> Act | None:
    path, *rest = _REPLACE.split(argument, 1)
    if not rest:
        return Edit(path, None, "A line by the demo agent.") if " " not in path else None
    try:
        words = shlex.split(rest[0])
    except ValueError:
        return None
    if len(words) != 3 or words[1].lower() != "with":
        return None
    return Edit(path, words[0], words[2])
