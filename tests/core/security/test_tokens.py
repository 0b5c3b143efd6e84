"""Comparing tokens (T26)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from sereno.core.security import tokens


def test_t26_only_the_token_itself_is_the_same() -> None:
    kept = tokens.digest("a" * 64)
    assert tokens.same("a" * 64, kept)
    for other in ("", "a" * 63, "a" * 65, "A" * 64, "ä", "\ud800", "a" * 1_000_000):
        assert not tokens.same(other, kept)


SECRETS = ("token", "password", "secret", "digest", "mark", "mac")


@pytest.mark.parametrize(
    "path", sorted(Path(tokens.__file__).parent.glob("*.py")), ids=lambda p: p.name
)
def test_t26_no_secret_is_compared_with_equals(path: Path) -> None:
    """Every comparison of names that sound like secrets goes through tokens.same."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            continue
        words = ast.unparse(node)
        with_a_word = isinstance(node.comparators[0], ast.Constant)
        fine = words in ALLOWED or with_a_word
        assert fine or not any(one in words.lower() for one in SECRETS), f"{path.name}: {words}"


ALLOWED = {
    # Our own settings, before and after a change: no peer has a part in these.
    "settings.token_digest != old.token_digest",
    "settings.password_hash != old.password_hash",
    "prove.hash != self._settings.password_hash",
}
