"""The demo agent's answer to anything that is no command: a look at the folder, in Markdown."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

from sereno.core.providers.demo.loop import Turning
from sereno.core.providers.demo.stage import Stage, text_content

__all__ = ["SHOW", "find", "look", "read_text", "read_whole"]

READ_LIMIT = 200_000
SKIPPED = frozenset({".git", "node_modules", ".venv", "__pycache__", "dist", "build"})

SHOW = '''\
# What I can draw

A paragraph with **bold**, *italic* and `code`, then a list:

1. look at the files
2. change one of them
   - only after you said yes
   - with a diff
3. run the tests

```python
def greet(name: str) -> str:
    """Says good night."""
    return f"Good night, {name}."
```

| Step | State | Time |
| --- | --- | ---: |
| read | done | 3 ms |
| edit | waits for you | – |

> Everything here was made without a model.
'''


def read_text(path: Path) -> str:
    """The beginning of a text file; bytes that are no UTF-8 are replaced."""
    with path.open("rb") as file:
        return file.read(READ_LIMIT).decode("utf-8", "replace")


def read_whole(path: Path) -> str | None:
    """A text that may be written back; None where there is no file.

    Raises:
        OSError: too large, or no UTF-8 text: writing it back would lose something.
    """
    if not path.exists():
        return None
    data = path.read_bytes()
    if len(data) > READ_LIMIT:
        raise OSError(errno.EFBIG, "it is larger than I change files", str(path))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise OSError(
            errno.EILSEQ, "it is no UTF-8 text, and I change only text", str(path)
        ) from None


def look(stage: Stage, prompt: str) -> Generator[Turning, Any, None]:
    """Lists the folder, reads the README, and says what is there."""
    yield from stage.think(f"I was asked: {prompt[:200]!r}. I look around before I answer.")
    call = stage.tool(
        "List the folder", "search", rawInput={"pattern": "*", "path": str(stage.cwd)}
    )
    names = sorted(entry.name + "/" * entry.is_dir() for entry in os.scandir(stage.cwd))
    visible = [name for name in names if not name.startswith(".")]
    listing = "\n".join(names[:200]) or "(empty)"
    stage.tool_update(call, "completed", content=text_content(listing))
    readme = next((name for name in visible if name.lower().startswith("readme")), None)
    first = ""
    if readme and not readme.endswith("/"):
        first = yield from _read(stage, readme)
    yield from stage.say(_summary(stage.cwd, visible, first))


def _read(stage: Stage, name: str) -> Generator[Turning, Any, str]:
    path = stage.path(name)
    call = stage.tool(
        f"Read {name}", "read", rawInput={"path": str(path)}, locations=[{"path": str(path)}]
    )
    text = read_text(path)
    stage.tool_update(call, "completed", content=text_content(text))
    yield from ()
    paragraphs = [part.strip() for part in text.split("\n\n")]
    plain = (part for part in paragraphs if part and part[0] not in "#<![|`-=")
    return " ".join(next(plain, "").split())[:400]


def _summary(cwd: Path, names: list[str], readme: str) -> str:
    kinds = Counter(
        "folders" if name.endswith("/") else (Path(name).suffix or "no suffix") for name in names
    )
    lines = [f"## {cwd.name or cwd}", "", f"I see **{len(names)}** entries here."]
    if readme:
        lines += ["", f"> {readme}"]
    if kinds:
        lines += ["", "| Kind | Number |", "| --- | ---: |"]
        lines += [f"| {kind} | {number} |" for kind, number in kinds.most_common(6)]
    if names:
        lines += ["", *(f"- `{name}`" for name in names[:8])]
        if len(names) > 8:
            lines.append(f"- and {len(names) - 8} more")
    example = next((name for name in names if name.lower().startswith("readme")), "notes.txt")
    lines += [
        "",
        "I am the demo agent: a real agent program, with no model behind me. Try `help`, or:",
        "",
        f"```\nread {example}\nedit notes.txt\nrun git status\nplan\nstream 200 every 20ms\n```",
        "",
    ]
    return "\n".join(lines)


def find(stage: Stage, wanted: str) -> Generator[Turning, Any, None]:
    """Searches the text files of the folder, two levels deep at most."""
    call = stage.tool(f"Search for {wanted}", "search", rawInput={"query": wanted})
    hits: list[str] = []
    for path in _files(stage.cwd, 2):
        for number, line in enumerate(read_text(path).splitlines(), 1):
            if wanted in line and len(hits) < 100:
                hits.append(f"{path.relative_to(stage.cwd)}:{number}: {line.strip()[:200]}")
    stage.tool_update(call, "completed", content=text_content("\n".join(hits)))
    yield from stage.say(f"Found **{len(hits)}** lines with `{wanted}`.\n")


def _files(folder: Path, depth: int) -> Generator[Path, None, None]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_file(follow_symlinks=False) and entry.stat().st_size < READ_LIMIT:
            yield Path(entry.path)
        elif depth and entry.is_dir(follow_symlinks=False) and entry.name not in SKIPPED:
            yield from _files(Path(entry.path), depth - 1)
