"""The documents about security: there, reachable from the first page, and without dead links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.promises.found import ROOT

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def links(page: Path) -> list[str]:
    """Where a page points to within the repository, without the place inside a page."""
    found = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    return [link.partition("#")[0] for link in found if "://" not in link and link[0] != "#"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_link_is_dead(page: Path) -> None:
    assert [link for link in links(page) if not (page.parent / link).exists()] == []


def test_c88_a_weakness_can_be_reported_privately() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    assert "report a weakness privately" in " ".join(text.split())
    assert "docs/security.md" in links(ROOT / "SECURITY.md")


def test_c88_who_reads_the_first_page_finds_it() -> None:
    assert {"SECURITY.md", "docs/security.md"} & set(links(ROOT / "README.md"))


def test_c43_the_document_says_that_a_password_does_not_encrypt() -> None:
    words = " ".join((ROOT / "docs/security.md").read_text().split())
    assert "A password does not encrypt" in words
