"""A real browser with a hostile page in it, beside a daemon that asks nobody on this machine for a
password: so that only Host and Origin stand between them (T21, T22, C-36, C-37).

`evil.test` is a name that the browser finds on this machine, as after DNS rebinding.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import browser
from tests.core.daemon.net import port_of
from tests.e2e.harness import World
from tests.e2e.tap import Tap

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PAGE = Path(__file__).with_name("stranger.html").read_bytes()
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--disable-features=HttpsUpgrades"),
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, "
    "EXCLUDE localhost",
)
PATIENCE_S = 60.0


@contextlib.contextmanager
def looking_at(world: World, url: str) -> Iterator[None]:
    """Chromium, without a window and without a past, opens a page."""
    program = browser()
    assert program is not None
    with (world.root / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={world.root / 'browser'}", url],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], "HOME": str(world.root), "TMPDIR": str(world.root)},
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def report(world: World, tap: Tap) -> Any:
    """How far the page got."""
    try:
        return tap.reports.get(timeout=PATIENCE_S)
    except queue.Empty:
        log = (world.root / "browser.log").read_text(errors="replace")
        raise AssertionError(f"the page told nothing: {tap.seen}\n{log[-4000:]}") from None


NOT_A_WORD = {
    "socket": "closed 1006",
    "socket of ours": "closed 1006",
    "socket of theirs": "closed 1006",
    "script": "error",
    "image": "error",
}
OF_ANOTHER_ORIGIN = NOT_A_WORD | {
    "read": "TypeError",
    "blind": "opaque 0 ",
    "credentials": "TypeError",
    "header": "TypeError",
    "post": "opaque 0 ",
    "delete": "TypeError",
    "form": "unreadable",
    "form to ws": "unreadable",
}
"""What a page gets to know of a daemon at another origin."""
NO_BODY = "No route here takes a body"
UNDER_A_STRANGE_NAME = NOT_A_WORD | {
    "read": "basic 403 error",
    "blind": "basic 403 error",
    "credentials": "basic 403 error",
    "header": "basic 403 error",
    "post": f"basic 415 {NO_BODY}",
    "delete": "basic 403 error",
    "form": NO_BODY,
    "form to ws": NO_BODY,
}
"""What a page gets to know by a name that has been rebound to this machine: that it is refused."""
STATUS = "basic 200 hostname,listen,serverId,status,version"
AT_HOME = {
    "socket": "heard server_info",
    "socket of ours": "heard server_info",
    "socket of theirs": "heard server_info",
    "read": STATUS,
    "blind": STATUS,
    "credentials": STATUS,
    "header": STATUS,
    "post": f"basic 415 {NO_BODY}",
    "delete": "basic 405 error",
    "script": "error",
    "image": "error",
    "form": NO_BODY,
    "form to ws": NO_BODY,
}
"""What the same page can do where the daemon lets it in: nothing else than Host and Origin keeps
the others out."""


def test_t21_t22_a_page_gets_in_nowhere_but_at_an_origin_and_a_name_of_the_daemon(
    world: World,
) -> None:
    with Tap(PAGE) as tap, Tap(PAGE) as neighbour:
        world.serve()
        tap.daemon = neighbour.daemon = port_of(world.home)
        query = f"/page?daemon=127.0.0.1:{tap.port}"
        far = f"http://evil.test:{tap.port}"
        # Another port of this machine: "same-site", as browsers say, and another origin.
        near = f"http://127.0.0.1:{neighbour.port}"
        with looking_at(world, f"{near}{query}&next={far}{query}"):
            assert report(world, neighbour) == {
                "origin": near,
                "address": OF_ANOTHER_ORIGIN,
                "name": AT_HOME,
            }
            assert report(world, tap) == {
                "origin": far,
                "address": OF_ANOTHER_ORIGIN,
                "name": UNDER_A_STRANGE_NAME,
            }
        nothing_was_let_in(tap, {near, far})
        assert world.json("ls", "-a") == []
        assert world.json("daemon", "status")["running"] is True


def nothing_was_let_in(tap: Tap, origins: set[str]) -> None:
    """The daemon itself refused every one, and read no second request out of what a form sent."""
    seen = [one for one in tap.seen if one.target != "/favicon.ico"]  # May be under way still.
    assert [one for one in seen if one.statuses not in ([403], [415], [204])] == []
    assert {one.method for one in seen if one.statuses == [204]} == {"OPTIONS"}
    sockets = [one for one in seen if one.is_upgrade]
    assert {one.headers["origin"] for one in sockets} == origins
    assert {tuple(one.statuses) for one in sockets} == {(403,)}
    # What a browser has to ask for first was not sent.
    here = [one for one in seen if one.headers["host"].startswith("127.0.0.1")]
    assert {one.method for one in here} == {"GET", "POST", "OPTIONS"}
    assert all("authorization" not in one.headers for one in here)
    assert {"same-site", "cross-site"} <= {one.headers.get("sec-fetch-site") for one in here}
