"""One daemon for each program, with one scripted model server, for all scenarios of the contract.

Most scenarios are turns of one and the same agent (`talk`): starting a real program costs more than
all of them. A scenario that leaves its agent unfit makes the next one get a new agent.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.contract.programs import PROGRAMS, Program
from tests.e2e.contract.session import Session
from tests.e2e.harness import World
from tests.e2e.model_server import ModelServer, prompt_with
from tests.e2e.model_server.thread import running_models


@dataclass
class Stage:
    """A World in which one program is driven. `fresh` makes an agent that is ended with the test,
    `talk` gives the one that is shared."""

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
        if self.shared is None or self.shared.snapshot().status != "idle":
            if self.shared is not None:
                self.shared.end()
            self.shared = Session(
                self.world, self.program.name, prompt_with("hello", {"text": "Hello."})
            )
            self.shared.finish()
        return self.shared

    def clear(self) -> None:
        """Ends the agents of one test; programs are large."""
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
    counter = iter(range(1_000))

    def write(*steps: dict[str, Any], **fields: Any) -> str:
        return prompt_with("do", *steps, id=f"{id(counter)}-{next(counter)}", **fields)

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
