"""The structs of the wire know their types when they are made.

Where annotations are postponed msgspec compiles each as text for the first decoder: 7 ms of every
start, and of every command that reads an answer.
"""

from __future__ import annotations

import msgspec

from sereno.core.protocol import frames
from sereno.core.protocol.values import Wire


def every(kind: type[msgspec.Struct]) -> set[type[msgspec.Struct]]:
    return {kind}.union(*(every(below) for below in kind.__subclasses__()))


def test_no_annotation_of_a_wire_struct_is_text() -> None:
    assert frames.Request is not None
    wire = {one for one in every(Wire) if one.__module__.startswith("sereno.core.protocol.")}
    postponed = {
        f"{one.__module__}.{one.__name__}.{name}"
        for one in wire
        for name, kind in vars(one).get("__annotations__", {}).items()
        if isinstance(kind, str)
    }
    assert len(wire) > 100
    assert {one for one in postponed if not one.startswith(f"{frames.__name__}.")} == set()
