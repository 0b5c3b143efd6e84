"""What can be wrong with the folder in which an agent shall work, in a person's words."""

from __future__ import annotations


class WorkspaceError(Exception):
    """A working directory cannot be used.

    `code` is one of: missing, vanished, not_a_directory, not_allowed, relative, own_state,
    unusable.
    """

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(f"{message} {next_step}")
        self.code = code
        self.message = message
        self.next_step = next_step
