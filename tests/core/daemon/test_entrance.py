"""How many may come in: as many as there are descriptors for, and never all of them (T31)."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from sereno.core.daemon.entrance import clients_for, raise_limit


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    """Of this process; put back as they were."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_t31_the_limit_of_open_files_is_raised_as_far_as_it_may_be(limits: tuple[int, int]) -> None:
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    most = raise_limit()
    assert most == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert most == (8_192 if hard == resource.RLIM_INFINITY else min(8_192, hard))
    assert raise_limit() == most


def test_a_limit_that_is_higher_already_stays(
    limits: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("changed")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (20_000, 20_000))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_limit() == 20_000
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    assert raise_limit() == 256


@pytest.mark.parametrize(
    ("limit", "clients"), [(20_000, 1_000), (8_192, 1_000), (1_024, 298), (256, 42), (64, 8)]
)
def test_t31_clients_never_take_all_descriptors(limit: int, clients: int) -> None:
    assert clients_for(limit) == clients
