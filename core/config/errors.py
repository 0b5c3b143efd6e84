"""What is wrong with the configuration: where, what, and what would be right."""

from __future__ import annotations

from sereno.core.home import HomeError


class ConfigError(HomeError):
    """A setting cannot be used. `code`: unknown_key, wrong_value, syntax, not_text, unreadable.

    `key` is the dotted name and `line` the line of config.toml, where there is one.
    """

    def __init__(
        self,
        code: str,
        message: str,
        next_step: str,
        *,
        key: str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(code, message, next_step)
        self.key = key
        self.line = line
