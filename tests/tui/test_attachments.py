"""Images with a prompt: which are meant, what is refused, and what a person sees of it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from textual import events

from sereno.core.protocol.requests import Image, SendMessage
from sereno.tui import requests
from sereno.tui.attachments import (
    LIMIT_BYTES,
    AttachError,
    dropped_image,
    image_paths,
    read_images,
)
from sereno.tui.messages import SendPrompt
from tests.tui import sample
from tests.tui.agent_place import Place, place

PNG = b"\x89PNG\r\n\x1a\n and the rest"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    for name in ("shot.png", "src/a b.jpeg", "notes.md"):
        (tmp_path / name).write_bytes(PNG if name.endswith("png") else b"\xff\xd8\xff rest")
    return tmp_path


def named(text: str, folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in image_paths(text, str(folder), str(folder))]


def test_only_what_is_named_with_an_at_and_is_there(folder: Path) -> None:
    assert named("see @shot.png, please", folder) == ["shot.png"]
    assert named('(@shot.png) and @"src/a b.jpeg".', folder) == ["shot.png", "src/a b.jpeg"]
    assert named(f"@{folder}/shot.png and @~/shot.png", folder) == ["shot.png"]
    for text in ("shot.png", f"{folder}/shot.png", "mail@shot.png", "@gone.png", "@notes.md"):
        assert named(text, folder) == []


def test_a_path_that_no_system_takes_is_no_image(folder: Path) -> None:
    assert named("@" + "x" * 5000 + ".png", folder) == []
    assert named("@nul\x00l.png", folder) == []


def test_images_are_read_as_what_they_are(folder: Path) -> None:
    (image,) = read_images([folder / "shot.png"])
    assert image == Image(data=base64.b64encode(PNG).decode(), mime_type="image/png")


@pytest.mark.parametrize(
    ("data", "words"),
    [(PNG + b"x" * LIMIT_BYTES, "larger than 5 MB"), (b"#!/bin/sh", "not what its name says")],
    ids=["large", "false"],
)
def test_what_cannot_go_is_refused_with_the_reason(folder: Path, data: bytes, words: str) -> None:
    (folder / "shot.png").write_bytes(data)
    with pytest.raises(AttachError, match=words):
        read_images([folder / "shot.png"])


def test_an_image_that_went_away_is_refused(folder: Path) -> None:
    with pytest.raises(AttachError, match="No such file"):
        read_images([folder / "gone.png"])


def test_a_dropped_image_is_named_and_other_pastes_are_left_alone(folder: Path) -> None:
    plain, spaced = folder / "shot.png", folder / "src/a b.jpeg"
    assert dropped_image(f"{plain}\n") == f"@{plain} "
    assert dropped_image(f"'{spaced}'") == f'@"{spaced}" '
    assert dropped_image(str(spaced).replace(" ", "\\ ")) == f'@"{spaced}" '
    assert dropped_image(f"file://{str(spaced).replace(' ', '%20')}") == f'@"{spaced}" '
    for text in (f"see {plain}", "shot.png", f"{folder}/notes.md", "/gone.png", "", f"{plain}\nx"):
        assert dropped_image(text) is None


def test_the_request_carries_them() -> None:
    image = Image(data="aGk=", mime_type="image/png")
    made = requests.of(SendPrompt("a", "look", "m", images=(image,)))
    assert isinstance(made, SendMessage)
    assert made.images == [image]


async def at(folder: Path, here: Place) -> None:
    """The agent works in this folder."""
    here.app.model.agents[here.agent_id].snapshot.cwd = str(folder)
    await here.settle()


async def test_an_image_goes_with_the_prompt_and_is_announced(folder: Path) -> None:
    async with place() as here:
        await at(folder, here)
        await here.type("see @shot.png")
        await here.press("space")
        assert "1 image goes with it: shot.png" in here.hint()
        await here.press("enter")
        await here.until(lambda: bool(here.acts(SendPrompt)))
        (prompt,) = here.acts(SendPrompt)
        assert prompt.text.strip() == "see @shot.png"
        assert [image.mime_type for image in prompt.images] == ["image/png"]


async def test_a_refused_image_sends_nothing_and_keeps_the_text(folder: Path) -> None:
    (folder / "shot.png").write_bytes(b"no image")
    async with place() as here:
        await at(folder, here)
        await here.type("see @shot.png")
        await here.press("space", "enter")
        await here.until(lambda: "not what its name says" in " ".join(here.hint().split()))
        assert here.composer.text.strip() == "see @shot.png"
        assert here.acts(SendPrompt) == []


async def test_a_dropped_image_stands_in_the_composer_by_its_name(folder: Path) -> None:
    async with place(agent=sample.agent(1, "Tax")) as here:
        here.composer.post_message(events.Paste(f"{folder}/shot.png"))
        await here.until(lambda: bool(here.composer.text))
        assert here.composer.text == f"@{folder}/shot.png "
        here.composer.post_message(events.Paste("and text"))
        await here.until(lambda: here.composer.text.endswith("and text"))
