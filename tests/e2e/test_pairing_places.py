"""Pairing as a person does it: a code read off a real terminal, the question, the answer there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest
import zxingcpp

from tests.e2e.harness import World, terminal, until
from tests.e2e.relay import Relay, relay_for
from tests.tui.cli.terminal import at_terminal

pytestmark = pytest.mark.timeout(180)
SCALE = 4
LINK = re.compile(r"sereno://pair#\d+")


@pytest.fixture
def relay(world: World) -> Iterator[Relay]:
    with relay_for(world) as made:
        world.serve()
        yield made


def comes(world: World, link: str) -> subprocess.Popen[str]:
    """Another Sereno, with a home of its own, by that link."""
    env = world.env | {"SERENO_HOST": link, "SERENO_HOME": str(world.root / "laptop")}
    return world.popen("ls", "-g", "--json", env=env)


def let_in(other: subprocess.Popen[str]) -> str:
    """What it says at its end; it was let in."""
    out, err = other.communicate(timeout=60)
    assert other.returncode == 0, err
    assert out.strip() == "[]"
    return err


def read_off(screen: str) -> str:
    """What a scanner reads of the block characters on a terminal; empty: no whole code."""
    lines = screen.split("\n")
    width = next((len(line) - len(line.lstrip("█")) for line in lines if line[:20] == "█" * 20), 0)
    rows = []
    for line in lines:
        body = line[:width].ljust(width)
        if width and body[:2] in ("██", "▀▀"):
            rows += [[one in "█▀" for one in body], [one in "█▄" for one in body]]
    if not rows:
        return ""
    pixels = b"".join(
        b"".join((b"\xff" if light else b"\0") * SCALE for light in row) * SCALE for row in rows
    )
    shape = (len(rows) * SCALE, width * SCALE)
    found = zxingcpp.read_barcodes(memoryview(pixels).cast("B", shape))
    return str(found[0].text) if found else ""


@pytest.mark.tmux
def test_c15_scanned_off_the_screen_asked_about_there_and_revoked(
    world: World, relay: Relay
) -> None:
    del relay
    with terminal(world) as window:
        window.shows("look around first")
        window.keys("Escape")
        window.shows("no agents yet")
        window.keys("P")
        window.shows("make the code")
        window.keys("Right", "Enter")
        link = until(lambda: read_off(window.screen()), "the code is on the screen")
        assert LINK.fullmatch(link.lower())
        other = comes(world, link.lower())
        asked = window.shows("Another Sereno wants in")
        words = asked.partition("Words")[2].split()[:3]
        until(lambda: _yes(window), "the question is answered")
        window.shows("is paired")
        told = let_in(other)
        assert all(word in told for word in words), told
        window.keys("D")
        window.shows("1 paired")
        window.keys("x")
        window.shows("Revoke")
        until(lambda: _yes(window, "no device is paired"), "it is revoked")
        assert world.json("device", "ls") == []


def _yes(window: object, gone: str = "is paired") -> bool:
    """`y`, not before its keys are alive; again where it came too early."""
    import time

    from tests.e2e.harness import Terminal

    assert isinstance(window, Terminal)
    if gone in window.screen():
        return True
    time.sleep(1.2)  # The question's own dead time, and that of a key that came too early.
    window.keys("y")
    time.sleep(0.5)
    return gone in window.screen()


def test_asked_about_under_the_prompt(world: World, relay: Relay) -> None:
    del relay
    with at_terminal(world.home.root, "pair", "--for", "sereno", "--name", "Laptop") as here:
        here.until("do not post or record it.")
        (link,) = LINK.findall(here.plain)
        other = comes(world, link)
        here.until("let it in? y/N ")
        words = here.plain.partition("other side: ")[2].split()[:3]
        here.type("y\n")
        assert here.end() == 0
        assert "Laptop is paired" in here.text
    told = let_in(other)
    assert all(word in told for word in words), told
    (device,) = world.json("device", "ls")
    assert (device["name"], device["kind"], device["rights"]) == ("Laptop", "sereno", "operator")
    assert world.json("device", "revoke", "Laptop", "--yes")["revoked"] is True
