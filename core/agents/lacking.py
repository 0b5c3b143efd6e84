"""What the machine has none left of for the moment: descriptors, memory, room for processes.

That says nothing about an agent, whose program goes on in its runner: the daemon tries again, and
ends nothing for it. Not here: a full disk (core/store, core/runners).
"""

from __future__ import annotations

import errno

__all__ = ["what_is_lacking"]

_LACKING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN})


def what_is_lacking(error: BaseException) -> OSError | None:
    """The system's refusal, if the error is one of those, or a group of nothing else."""
    if isinstance(error, BaseExceptionGroup):
        found = [what_is_lacking(one) for one in error.exceptions]
        return found[0] if found and all(found) else None
    return error if isinstance(error, OSError) and error.errno in _LACKING else None
