"""One daemon for each program, with one scripted model server, for all scenarios of the contract.

Most scenarios are turns of one and the same agent (`talk`): starting a real program costs more than
all of them. They come in any order: each finds the agent idle in its first mode, whatever was done
with it before, and an agent that was left unfit is replaced. What a scenario changes for good (a
standing answer, a file) has a name that no other scenario uses.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sereno.core.client.errors import ClientError
from tests.e2e.contract.programs import PROGRAMS, Program
from tests.e2e.contract.session import Session
from tests.e2e.harness import World, until
from tests.e2e.model_server import ModelServer, prompt_with
from tests.e2e.model_server.thread import running_models

_SCRIPTS = itertools.count()


@dataclass
class Stage:
    """A World in which one program is driven. `fresh` makes an agent that is ended with the test,
    `talk` gives the one that is shared, fit for a new scenario."""

    program: Program
    world: World
    models: ModelServer
    made: list[Session] = field(default_factory=list)
    shared: Session | None = None

    def fresh(self, prompt: str = "", **wishes: Any) -> Session:
        session = Session(self.world, self.program.name, prompt, **wishes)
        self.made.append(session)
        return session

    def talk(self) -> Session:
        session = self.shared
        if session is not None and session.snapshot().status != "idle":
            self.give_up()
            session.end()
            session = None
        if session is None:
            hello = prompt_with("hello", {"text": "Hello."})
            session = Session(self.world, self.program.name, hello)
            session.finish()
        if session.snapshot().current_mode_id != self.program.mode:
            self._first_mode(session)
        self.shared = session
        return session

    def give_up(self) -> None:
        """The shared agent is no longer that: the next scenario gets another."""
        self.shared = None

    def _first_mode(self, session: Session) -> None:
        session.set_mode(self.program.mode)
        until(lambda: session.snapshot().current_mode_id == self.program.mode, "the mode is back")

    def clear(self) -> None:
        """Ends the agents of one test; programs are large. A daemon that the test left dead is
        brought back: what failed is that test, not the next one."""
        try:
            self.world.client().close()
        except ClientError:
            self.world.start()
        while self.made:
            self.made.pop().end()


@pytest.fixture(scope="session", params=PROGRAMS, ids=lambda program: program.name)
def whole(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The stage of one program, for all tests with it."""
    program: Program = request.param
    with (
        tempfile.TemporaryDirectory(prefix="sereno-contract-") as folder,
        running_models() as models,
    ):
        world = World(Path(folder))
        program.configure(world, models)
        try:
            world.env["MY_SECRET"] = "not for agents"
            world.start()
            yield Stage(program, world, models)
        finally:
            world.end()


@pytest.fixture
def stage(request: pytest.FixtureRequest, whole: Stage) -> Iterator[Stage]:
    """The stage for one scenario, unless the program cannot do it."""
    marker = request.node.get_closest_marker("scenario")
    assert marker is not None, "a test of the contract names its scenario"
    yield whole
    whole.clear()


@pytest.fixture
def script() -> Callable[..., str]:
    """Prompts with a script, each of its own: a failure is counted by the script's text."""

    def write(*steps: dict[str, Any], **fields: Any) -> str:
        return prompt_with("do", *steps, id=f"script-{next(_SCRIPTS)}", **fields)

    return write


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scenario(name): the row of the contract that a test is")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A scenario that a program cannot do is no test of it (and no skipped one): `cannot` says
    why, and the document prints it."""
    kept = [item for item in items if not _impossible(item)]
    items[:] = kept


def _impossible(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("scenario")
    call = getattr(item, "callspec", None)
    if marker is None or call is None:
        return False
    program = call.params.get("whole")
    return isinstance(program, Program) and marker.args[0] in program.cannot
