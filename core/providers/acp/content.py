"""Content blocks of the Agent Client Protocol: a prompt into blocks, blocks into text.

Pure. Texts from blocks come out as they are; whoever shows them sanitises.
"""

from __future__ import annotations

from typing import Any

from sereno.core.providers.driver import Prompt

__all__ = ["block_text", "blocks_text", "prompt_blocks"]


def prompt_blocks(prompt: Prompt, takes_images: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """The blocks to send, and a word for each thing that could not be sent."""
    blocks: list[dict[str, Any]] = []
    left_out: list[str] = []
    for attachment in prompt.attachments:
        text = _attachment_text(attachment)
        if text is None:
            left_out.append("an attachment of a kind that is not known")
        else:
            blocks.append({"type": "text", "text": text})
    blocks.append({"type": "text", "text": prompt.text})
    for image in prompt.images:
        if takes_images:
            blocks.append({"type": "image", "data": image.data, "mimeType": image.mime_type})
        else:
            left_out.append(f"an image ({image.mime_type}): this program takes none")
    return blocks, left_out


def _attachment_text(attachment: Any) -> str | None:
    """Wire reference 6.6.3: attachments are rendered into text for the provider."""
    kind = attachment.get("type")
    title, body = attachment.get("title") or "", attachment.get("body") or ""
    match kind:
        case "github_pr" | "github_issue":
            what = "Pull request" if kind == "github_pr" else "Issue"
            head = f"{what} #{attachment.get('number')}: {title}\n{attachment.get('url', '')}"
            return f"{head}\n\n{body}".rstrip()
        case "text":
            text = attachment.get("text")
            return f"{title}\n\n{text}".strip() if isinstance(text, str) else None
        case "review":
            return _review_text(attachment)
        case _:
            return None


def _review_text(attachment: Any) -> str:
    lines = ["Review comments:"]
    for comment in attachment.get("comments") or []:
        if isinstance(comment, dict):
            place = f"{comment.get('filePath')}:{comment.get('lineNumber')}"
            lines.append(f"- {place} ({comment.get('side')}): {comment.get('body')}")
    return "\n".join(lines)


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
