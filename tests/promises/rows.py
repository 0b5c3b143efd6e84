"""One row of the table of promises, and where its sentences come from.

A number is C-nn for what is promised to people, T-nn for what must not be possible. The words are
ours; what a row asks for is settled in the design, and `note` says where we do it otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Row"]


@dataclass(frozen=True)
class Row:
    """`absent`: why no test carries the number yet, or never will; None where one must. A row may
    have both, where tests hold a part of it already. `note`: what a reader should know."""

    number: str
    promise: str
    note: str = ""
    absent: str | None = None

    @property
    def key(self) -> str:
        """As it stands in the names of tests: `c07` for C-07, `t21` for T21."""
        return self.number.replace("-", "").lower()
