"""A queued prompt as its driver gets it, with what it carries besides its text. Pure."""

from __future__ import annotations

import msgspec

from sereno.core.protocol.requests import Image
from sereno.core.providers.driver import Prompt
from sereno.core.store.prompts import PromptRow

__all__ = ["Extras", "wanted_of"]


class Extras(msgspec.Struct):
    """What a prompt carries besides its text, as it is stored."""

    images: list[Image] = []
    attachments: list[dict[str, object]] = []


def wanted_of(row: PromptRow) -> Prompt:
    extras = Extras() if row.extras is None else msgspec.json.decode(row.extras, type=Extras)
    return Prompt(row.id, row.text, tuple(extras.images), tuple(extras.attachments))
