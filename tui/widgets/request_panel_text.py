"""What a request asks, whole and unhidden: the arguments to judge, and our own words about them.

The agent's prose never speaks for the panel: titles and descriptions stand under the arguments,
marked and named as the agent's (T43); hidden characters are shown as escapes (T42). Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from sereno.core.protocol.permissions import PermissionAction, PermissionRequest
from sereno.core.protocol.tools import (
    EditDetail,
    FetchDetail,
    PlainTextDetail,
    PlanDetail,
    ReadDetail,
    SearchDetail,
    ShellDetail,
    ToolDetail,
    WriteDetail,
)
from sereno.core.protocol.values import UNSET, UnsetType, given
from sereno.core.security.sanitise import mixed_scripts, reveal
from sereno.tui.also_given import also_given, said_anew
from sereno.tui.widgets.blocks_tools import edit_rows
from sereno.tui.widgets.request_panel_questions import Question, questions_of
from sereno.tui.widgets.request_panel_reading import (
    Place,
    Reading,
    read_command,
    read_file,
    read_url,
)

_NAMED = (
    ShellDetail
    | EditDetail
    | WriteDetail
    | ReadDetail
    | FetchDetail
    | SearchDetail
    | PlanDetail
    | PlainTextDetail
)
"""Kinds whose text says what they are; the others begin with the tool's name."""

_NOTHING_NEW = frozenset({"run", "execute", "command", "edit", "write", "read", "file", "the", "a"})
"""Words of a title that say no more than our own heading."""

PROSE_LIMIT = 1_900
"""Characters of what the agent says; providers keep 2,000 of a title."""

__all__ = [
    "PROSE_LIMIT",
    "Answers",
    "AskedLine",
    "answers_of",
    "asked_text",
    "editable",
    "flat",
    "heading",
    "id_of",
    "reading_of",
]


@dataclass(frozen=True, slots=True)
class AskedLine:
    """One line of what is asked, before wrapping. `kind` picks its style, nothing else."""

    text: str
    kind: Literal["text", "added", "removed", "label", "quote", "warning"] = "text"


@dataclass(frozen=True, slots=True)
class Answers:
    """Which of the agent's options stands behind which key; None: that key does not work.

    `allow` covers this one request only. `standing` ones cover more, `others` are what is left.
    """

    plain: bool
    """The agent named no options: allow and deny go without one."""
    allow: PermissionAction | None = None
    deny: PermissionAction | None = None
    standing: tuple[PermissionAction, ...] = ()
    others: tuple[PermissionAction, ...] = field(default=())

    @property
    def can_allow(self) -> bool:
        return self.plain or self.allow is not None


def answers_of(request: PermissionRequest) -> Answers:
    """Sorts the options. A standing option is never chosen for a plain allow or deny."""
    actions = given(request.actions, [])
    if not actions:
        return Answers(plain=True)
    once = [action for action in actions if not given(action.standing, False)]
    allow = next((action for action in once if action.behavior == "allow"), None)
    deny = next((action for action in once if action.behavior == "deny"), None)
    standing = tuple(
        action for action in actions if given(action.standing, False) and action.behavior == "allow"
    )
    taken = [allow, deny, *standing]
    others = tuple(action for action in actions if action not in taken)
    return Answers(plain=False, allow=allow, deny=deny, standing=standing, others=others)


def id_of(action: PermissionAction | None) -> str | UnsetType:
    return UNSET if action is None else action.id


def heading(request: PermissionRequest) -> str:
    """What is asked in our words, from the kind of the call alone."""
    match request.kind:
        case "plan":
            return "carry out a plan"
        case "question":
            return "answer a question"
        case "mode":
            return "change the mode"
    match given(request.detail, None):
        case ShellDetail():
            return "run a command"
        case EditDetail():
            return "change a file"
        case WriteDetail():
            return "write a file"
        case ReadDetail():
            return "read a file"
        case FetchDetail():
            return "fetch an address"
        case SearchDetail():
            return "search"
        case PlanDetail():
            return "carry out a plan"
        case _:
            return "use a tool"


def reading_of(request: PermissionRequest, place: Place) -> Reading:
    """What the text of the request reads as."""
    if questions_of(request):
        return Reading("questions for you: answering runs nothing by itself")
    match given(request.detail, None):
        case ShellDetail(command=command) as shell:
            folder = given(shell.cwd, "") or place.folder
            return read_command(command, Place(folder, place.root, place.word))
        case EditDetail(file_path=path):
            return read_file("changes", path, place)
        case WriteDetail(file_path=path):
            return read_file("writes", path, place)
        case ReadDetail(file_path=path):
            return read_file("reads", path, place)
        case FetchDetail(url=url):
            return read_url(url)
        case _:
            return Reading("this kind of call is not known here: judge it by its text")


def editable(request: PermissionRequest) -> str | None:
    """The command that may be edited before it runs; None where the agent takes no change."""
    ours = given(request.metadata, {}).get("sereno")
    command = given(request.input, {}).get("command")
    if not isinstance(ours, Mapping) or ours.get("editable") is not True:
        return None
    detail = given(request.detail, None)
    same = isinstance(detail, ShellDetail) and detail.command == command
    return command if same and isinstance(command, str) else None


def flat(text: str) -> str:
    """A text for one line, nothing hidden: a line end in it cannot make a line of its own."""
    return reveal(text).replace("\n", "\\n").replace("\t", "\\t")


def asked_text(request: PermissionRequest) -> list[AskedLine]:
    """Everything that the decision depends on, hidden characters shown, nothing cut.

    Under it what the agent says about it, which may be cut, and says where.
    """
    questions = questions_of(request)
    lines = _question_lines(questions) or _detail_lines(given(request.detail, None))
    shown = "\n".join(line.text for line in lines)
    if not isinstance(given(request.detail, None), _NAMED) and not questions:
        lines = _lines(request.name) + lines
    but = "questions" if questions else ""
    left = [(name, value) for name, value in also_given(request) if name != but]
    if left:
        lines += [AskedLine("also given:", "label"), *_input_lines(dict(left))]
    lines += _prose(request, shown, left)
    words = mixed_scripts("\n".join(line.text for line in lines))
    if words:
        named = ", ".join(reveal(word) for word in words[:5])
        lines.insert(
            0, AskedLine(f"letters of different alphabets are mixed in: {named}", "warning")
        )
    return lines


def _detail_lines(detail: ToolDetail | None) -> list[AskedLine]:
    match detail:
        case ShellDetail(command=command):
            return _lines(command)
        case EditDetail(file_path=path) as edit:
            return [*_lines(path), *_diff_lines(edit)]
        case WriteDetail(file_path=path) as write:
            content = "" if write.content is UNSET else given(write.content, "")
            return [*_lines(path), *(AskedLine(f"+ {line}", "added") for line in _split(content))]
        case ReadDetail(file_path=path):
            return _lines(path)
        case FetchDetail(url=url) as fetch:
            return _lines(url) + _lines(given(fetch.prompt, ""))
        case SearchDetail(query=query):
            return _lines(query)
        case PlanDetail(text=text):
            return _lines(text)
        case PlainTextDetail() as plain:
            return _lines(given(plain.label, "")) + _lines(given(plain.text, ""))
        case None:
            return []
        case other:  # A kind without looks of its own is shown as what it is.
            fields = msgspec.to_builtins(other)
            return _input_lines({k: v for k, v in fields.items() if k != "type" and v is not None})


def _diff_lines(edit: EditDetail) -> list[AskedLine]:
    if edit.unified_diff is not UNSET:
        names = {edit.file_path, f"a/{edit.file_path}", f"b/{edit.file_path}", "/dev/null"}
        pairs = [
            (line[:1], line)
            for number, line in enumerate(_split(given(edit.unified_diff, "")))
            if not (number < 2 and line[:4] in ("--- ", "+++ ") and line[4:].strip() in names)
        ]
    else:
        pairs = [(row.sign, f"{row.sign} {row.text}") for row in edit_rows(_revealed(edit))]
    kinds: dict[str, Literal["added", "removed"]] = {"+": "added", "-": "removed"}
    return [AskedLine(line, kinds.get(sign, "text")) for sign, line in pairs]


def _revealed(edit: EditDetail) -> EditDetail:
    """Revealed before it is compared: the diff's own cleaning then hides nothing."""
    return EditDetail(
        file_path=edit.file_path,
        old_string=reveal(given(edit.old_string, "")),
        new_string=reveal(given(edit.new_string, "")),
    )


def _question_lines(questions: Sequence[Question]) -> list[AskedLine]:
    """Each question with all its options, as they are numbered when it is answered."""
    lines: list[AskedLine] = []
    for question in questions:
        if lines:
            lines.append(AskedLine(""))
        lines += _lines(question.text)
        lines += [line for name, words in question.more for line in _lines(f"{name}: {words}")]
        for number, option in enumerate(question.options, 1):
            words = f": {option.description}" if option.description else ""
            told = [f"{option.label}{words}", *(f"{name}: {more}" for name, more in option.more)]
            for index, line in enumerate(part for each in told for part in _split(each)):
                lines.append(AskedLine(f"{number}  {line}" if index == 0 else f"   {line}"))
    return lines


def _input_lines(values: Mapping[str, Any]) -> list[AskedLine]:
    lines: list[AskedLine] = []
    for name, value in values.items():
        text = (
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        )
        first, *rest = _split(text) or [""]
        lines += [AskedLine(f"{reveal(str(name))}: {first}"), *(AskedLine(line) for line in rest)]
    return lines


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _prose(
    request: PermissionRequest, shown: str, left: Sequence[tuple[str, Any]]
) -> list[AskedLine]:
    """The agent's own words, last, marked, and only where they add something.

    Of very long ones the beginning: nobody should have to leaf through prose to reach the keys,
    and what was cut on the way here is longer than this too.
    """
    lines: list[AskedLine] = []
    said = _words(f"{shown} {heading(request)} {request.name}") | _NOTHING_NEW
    for words in (given(request.title, ""), said_anew(given(request.description, ""), left)):
        text = reveal(words).strip()
        if text and not _words(text) <= said and not _repeats(text, shown):
            lines += [AskedLine(line, "quote") for line in _split(words.strip()[:PROSE_LIMIT])]
            if len(words.strip()) > PROSE_LIMIT:
                lines.append(AskedLine("[cut here: the agent says more than this]", "label"))
    return [AskedLine("the agent says:", "label"), *lines] if lines else []


def _repeats(words: str, shown: str) -> bool:
    """Whether the agent only says the beginning of what is shown anyway, however it was cut.

    A part from its middle is no repetition: it may be there to seem all of it.
    """
    start = " ".join(words.split()).strip("`").rstrip("….`")
    return " ".join(shown.split()).startswith(start)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\s`'\"/]+", text.casefold()))


def _lines(text: str) -> list[AskedLine]:
    return [AskedLine(line) for line in _split(text)]


def _split(text: str) -> list[str]:
    return reveal(text).rstrip("\n").expandtabs(4).split("\n") if text else []
