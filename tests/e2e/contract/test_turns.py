"""What happens in a turn: answers, tools, requests for permission and what each answer does."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Any

from sereno.core.protocol.permissions import PermissionRequest
from sereno.core.protocol.requests import Image
from sereno.core.protocol.timeline import Todo
from sereno.core.protocol.tools import EditDetail, ReadDetail, ShellDetail, WriteDetail
from sereno.core.protocol.values import given
from tests.e2e.contract.conftest import Stage
from tests.e2e.contract.scenarios import scenario

Script = Callable[..., str]


def shell(command: str) -> dict[str, Any]:
    return {"kind": "shell", "command": command}


def command_of(request: PermissionRequest) -> str:
    assert isinstance(request.detail, ShellDetail), request
    return request.detail.command


@scenario("text")
def test_c10_text(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    talk.send(script({"text": "An answer of some words."}))
    talk.finish()
    assert talk.said() == "An answer of some words."


@scenario("reasoning")
def test_reasoning(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    talk.send(script({"thinking": "Let me see now.", "text": "So be it."}))
    talk.finish()
    assert (talk.thought().strip(), talk.said()) == ("Let me see now.", "So be it.")


@scenario("allow")
def test_c58_allow(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    talk.send(script({"tool": shell("touch allowed && echo it is made")}, {"text": "Done."}))
    request = talk.asked()
    assert request.kind == "tool"
    assert "touch allowed && echo it is made" in command_of(request)
    assert request.input
    assert not (stage.world.work / "allowed").exists()
    talk.allow(request)
    talk.finish()
    assert (stage.world.work / "allowed").exists()
    call = talk.call()
    assert call.status == "completed"
    assert isinstance(call.detail, ShellDetail)
    assert "it is made" in given(call.detail.output, "")
    assert talk.said().endswith("Done.")


@scenario("deny")
def test_c58_deny(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    talk.send(script({"tool": shell("touch denied")}, {"text": "As you wish."}))
    talk.deny(talk.asked())
    talk.finish()
    assert not (stage.world.work / "denied").exists()
    assert talk.call().status != "completed"


@scenario("deny_with_words")
def test_deny_with_words(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    talk.send(script({"tool": shell("touch denied")}, {"text": "Then not."}))
    talk.deny(talk.asked(), message="use the other folder")
    talk.finish()
    assert talk.said().endswith("Then not.")
    assert not (stage.world.work / "denied").exists()
    assert "use the other folder" in str(stage.models.turns()[-1]["body"])


@scenario("edited_input")
def test_edited_input(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    talk.send(script({"tool": shell("touch wrong")}, {"text": "Done."}))
    request = talk.asked()
    assert given(request.metadata, {})["sereno"]["editable"] is True
    talk.allow(request, updated_input={**given(request.input, {}), "command": "touch right"})
    talk.finish()
    assert (stage.world.work / "right").exists()
    assert not (stage.world.work / "wrong").exists()


@scenario("write")
def test_write(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    path = stage.world.work / "new.txt"
    tool = {"kind": "write", "path": str(path), "content": "one\ntwo\n"}
    talk.send(script({"tool": tool}, {"text": "Written."}))
    request = talk.asked()
    assert "one" in str(request.detail)
    assert str(path) in str(request.detail)
    assert not path.exists()
    talk.allow(request)
    talk.finish()
    assert path.read_text() == "one\ntwo\n"
    detail = talk.call().detail
    assert isinstance(detail, WriteDetail | EditDetail)
    assert detail.file_path == str(path)


@scenario("edit")
def test_edit(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    path = stage.world.work / "old.txt"
    path.write_text("first\nsecond\nthird\n")
    read = {"kind": "read", "path": str(path)}
    edit = {"kind": "edit", "path": str(path), "old": "second", "new": "2nd"}
    talk.send(script({"tool": read}, {"tool": edit}, {"text": "Changed."}))
    request = talk.asked()
    if isinstance(request.detail, ShellDetail | ReadDetail):
        talk.allow(request)
        request = talk.asked()
    shown = str(request.detail)
    assert "second" in shown
    assert "2nd" in shown
    assert path.read_text() == "first\nsecond\nthird\n"
    talk.allow(request)
    talk.finish()
    assert path.read_text() == "first\n2nd\nthird\n"
    detail = talk.calls()[-1].detail
    assert isinstance(detail, EditDetail)
    assert given(detail.unified_diff, "") or given(detail.new_string, "")


@scenario("two_tools")
def test_two_tools_in_one_answer(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    tools = [shell("touch twin1"), shell("touch twin2")]
    talk.send(script({"tools": tools}, {"text": "Both."}))
    asked = set()
    for _ in tools:
        request = talk.asked()
        asked.add(command_of(request).split("touch ")[1].strip("'\" "))
        talk.allow(request)
    talk.finish()
    assert asked == {"twin1", "twin2"}
    assert {call.status for call in talk.calls()} == {"completed"}
    assert len(talk.calls()) == 2
    assert (stage.world.work / "twin1").exists()
    assert (stage.world.work / "twin2").exists()


@scenario("todo")
def test_todo(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    tool = {"kind": "todo", "items": ["look", "write"]}
    talk.send(script({"tool": tool}, {"text": "Planned."}))
    talk.finish()
    todos = [item for item in talk.turn() if isinstance(item, Todo)]
    assert todos, talk.turn()
    assert [one.text for one in todos[-1].items] == ["look", "write"]


@scenario("image")
def test_image(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    picture = Image(base64.b64encode(_png()).decode(), "image/png")
    talk.send(script({"text": "I see."}), images=[picture])
    talk.finish()
    assert stage.models.turns()[-1]["images"] == 1


@scenario("usage")
def test_usage(stage: Stage, script: Script) -> None:
    talk = stage.talk()
    talk.send(script({"text": "Counted."}))
    talk.finish()
    usage = given(talk.snapshot().last_usage, None)
    assert usage is not None
    numbers = (usage.input_tokens, usage.output_tokens, usage.context_window_used_tokens)
    assert any(given(number, 0) for number in numbers)


def _png() -> bytes:
    """A red picture of 8 by 8 points."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        )

    size = (8).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    rows = zlib.compress((b"\0" + b"\xff\0\0" * 8) * 8)
    parts = (chunk(b"IHDR", size), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
