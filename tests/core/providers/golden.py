"""Golden files: what a recorded conversation became, effect by effect.

`UPDATE_GOLDEN=1 pytest …` writes them anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec

from sereno.core.providers.effects import Effect, Send

__all__ = ["is_golden", "plain"]


def is_golden(effects: list[Any], path: Path) -> bool:
    """Whether `effects`, plain, are those of the golden file."""
    if os.environ.get("UPDATE_GOLDEN"):
        lines = ",\n".join(json.dumps(effect, ensure_ascii=False) for effect in effects)
        path.write_text(f"[\n{lines}\n]\n")
    golden = json.loads(path.read_text())
    assert effects == golden  # here, so that the difference is shown
    return True


def plain(effect: Effect) -> Any:
    """An effect as JSON, without what is not set."""
    if isinstance(effect, Send):
        return {"effect": "Send", "data": json.loads(effect.data)}
    kind: Any = type(effect)
    names = getattr(kind, "__struct_fields__", None) or kind.__slots__
    given = {name: getattr(effect, name) for name in names}
    fields = msgspec.to_builtins({k: v for k, v in given.items() if v is not msgspec.UNSET})
    told = {key: value for key, value in fields.items() if value not in (None, "", (), False)}
    return json.loads(json.dumps({"effect": type(effect).__name__, **told}))
