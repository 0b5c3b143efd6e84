"""packaging/: the image is built from what exists, has an init, and is nobody's root.

Building it needs docker and a registry; that is no test of ours.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"


def steps() -> list[tuple[str, str]]:
    """Instruction and argument, continued lines joined, comments left out."""
    lines = (PACKAGING / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in joined if line.strip()]


def last(name: str) -> str:
    return [argument for step, argument in steps() if step == name][-1]


def sources() -> set[str]:
    copies = [shlex.split(argument) for step, argument in steps() if step == "COPY"]
    return {path for words in copies if "--from=build" not in words for path in words[:-1]}


def test_an_init_is_process_one_and_the_daemon_its_child() -> None:
    assert last("ENTRYPOINT") == '["/usr/bin/tini", "--", "sereno"]'
    assert last("CMD") == '["--no-ui"]'
    installed = next(argument for step, argument in steps() if "apt-get install" in argument)
    assert " tini " in f" {installed} "


def test_nothing_in_it_is_root() -> None:
    instructions = [step for step, _ in steps()]
    assert last("USER") == "sereno"
    assert "RUN" not in instructions[instructions.index("USER") :]


def test_everything_that_is_copied_exists_and_reaches_the_build() -> None:
    assert {
        "core",
        "tui",
        "sereno",
        "relay_client",
        "relay_server",
        "requirements.lock",
    } <= sources()
    assert [path for path in sources() if not (ROOT / path).exists()] == []
    ignored = (PACKAGING / "Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == sources()


def test_every_folder_that_a_wheel_is_made_of_is_copied() -> None:
    linked = {path.resolve().name for path in (ROOT / "sereno").iterdir() if path.is_symlink()}
    assert linked <= sources()


def test_no_secret_stands_in_it() -> None:
    text = (PACKAGING / "Dockerfile").read_text()
    assert not re.search(r"password|token|secret", text.replace("the token", ""), re.I)
    assert "0.0.0.0" not in text
