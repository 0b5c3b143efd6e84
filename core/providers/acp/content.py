"""Content blocks of the Agent Client Protocol as text.

Pure. Texts from blocks come out as they are; whoever shows them sanitises.
"""

from __future__ import annotations

from typing import Any

__all__ = ["block_text", "blocks_text"]


def block_text(block: Any) -> str:
    """What a content block says, in Markdown where it is no plain text."""
    if not isinstance(block, dict):
        return ""
    match block.get("type"):
        case "text":
            text = block.get("text")
            return text if isinstance(text, str) else ""
        case "resource_link":
            return f"{block.get('name') or 'resource'} ({block.get('uri')})"
        case "resource":
            resource = block.get("resource")
            resource = resource if isinstance(resource, dict) else {}
            text = resource.get("text")
            return text if isinstance(text, str) else f"[{resource.get('uri', 'resource')}]"
        case "image" | "audio" as kind:
            return f"[{kind}: {block.get('mimeType', 'of unknown kind')}]"
        case _:
            return ""


def blocks_text(content: list[dict[str, Any]]) -> str:
    """The texts of tool call content of type `content`, joined by newlines."""
    texts = [
        text
        for entry in content
        if entry.get("type") == "content" and (text := block_text(entry.get("content")))
    ]
    return texts[0] if len(texts) == 1 else "\n".join(texts)
