"""A prompt as blocks of text and images, in the form of the Agent Client Protocol.

Other programs take blocks of much the same kinds; their drivers turn these into their own.
"""

from __future__ import annotations

from typing import Any

from sereno.core.providers.driver import Prompt

__all__ = ["prompt_blocks"]


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
