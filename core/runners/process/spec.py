"""What the daemon tells a runner at its start, and what the runner answers.

Both go through pipes, never through argv, which every user can read. `marshal` is enough: both
ends are the same interpreter, and neither side outlives the exchange.
"""

from __future__ import annotations

import marshal

_LAYOUT = 1


class Spec:
    """One agent to be run. Everything that goes to the system is bytes.

    `program`: the file to execute; `argv`: with argv[0]; `env`: exactly the agent's environment;
    `limit`: bytes of the journal; `record`: text of a JSON object that becomes part of runner.json
    and the START frame; `above`: pids of the runners that the daemon itself descends from.
    """

    __slots__ = ("above", "argv", "cwd", "env", "folder", "limit", "program", "record")

    def __init__(
        self,
        folder: bytes,
        program: bytes,
        argv: list[bytes],
        cwd: bytes,
        env: dict[bytes, bytes],
        limit: int,
        record: str,
        above: list[int],
    ) -> None:
        self.folder = folder
        self.program = program
        self.argv = argv
        self.cwd = cwd
        self.env = env
        self.limit = limit
        self.record = record
        self.above = above

    def encode(self) -> bytes:
        fields = [getattr(self, name) for name in self.__slots__]
        return marshal.dumps((_LAYOUT, *fields))

    @classmethod
    def decode(cls, data: bytes) -> Spec:
        """Raises ValueError when it was cut short or comes from another release."""
        try:
            layout, *fields = marshal.loads(data)
        except (EOFError, TypeError) as error:
            raise ValueError("the start message is cut short") from error
        if layout != _LAYOUT:
            raise ValueError("the start message comes from another release")
        return cls(**dict(zip(cls.__slots__, fields, strict=True)))


Report = tuple[str, int, str]
"""Stage ("ready" or the step that failed), errno (0 when ready), detail in words."""


def encode_report(stage: str, number: int, detail: str) -> bytes:
    return marshal.dumps((stage, number, detail))


def decode_report(data: bytes) -> Report:
    """Raises ValueError when the runner died before it had said all."""
    try:
        stage, number, detail = marshal.loads(data)
    except (EOFError, TypeError) as error:
        raise ValueError("the runner died before it was ready") from error
    return str(stage), int(number), str(detail)
