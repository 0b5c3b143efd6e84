"""Which project a working directory belongs to (wire reference 6.2.3).

Every agent in a list carries this, so it is kept in memory and read anew only when somebody asks
for that. What git has to say comes from `gitfiles.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import anyio.to_thread

from sereno.core.protocol.agents import Checkout, ProjectPlacement
from sereno.core.workspaces import gitfiles
from sereno.core.workspaces.paths import printable

_SCP = r"(?:(?P<user>[^@/:\s]+)@)?(?P<host>[^/:\s@]+):(?P<path>[^:\s].*)"


class Placements:
    """The placements of all directories in use: asked from memory, read in a thread.

    Not thread-safe: it belongs to the daemon's loop.
    """

    def __init__(self) -> None:
        self._known: dict[str, ProjectPlacement] = {}

    def get(self, cwd: str) -> ProjectPlacement:
        """What is known now; a directory never read is said to be outside git. Reads no disk."""
        return self._known.get(cwd) or _without_git(cwd)

    async def refresh(self, cwd: str) -> bool:
        """Read the directory anew, in a thread; True when its placement has changed."""
        found = await anyio.to_thread.run_sync(read_placement, cwd)
        changed = self._known.get(cwd) != found
        self._known[cwd] = found
        return changed

    def forget(self, cwd: str) -> None:
        """No agent works there any more."""
        self._known.pop(cwd, None)


def read_placement(cwd: str) -> ProjectPlacement:
    """Read one directory's placement from disk. One that is gone is a project without git."""
    checkout = gitfiles.find_checkout(Path(cwd))
    return _without_git(cwd) if checkout is None else _with_git(cwd, checkout)


def _without_git(cwd: str) -> ProjectPlacement:
    return ProjectPlacement(
        project_key=cwd,
        project_name=Path(cwd).name or cwd,
        checkout=Checkout(
            cwd=cwd,
            is_git=False,
            current_branch=None,
            remote_url=None,
            is_paseo_owned_worktree=False,
            main_repo_root=None,
            worktree_root=None,
        ),
    )


def _with_git(cwd: str, checkout: gitfiles.GitCheckout) -> ProjectPlacement:
    remotes = gitfiles.read_remotes(checkout)
    url = remotes.get("origin") or next(iter(remotes.values()), None)
    branch = gitfiles.read_branch(checkout)
    key = project_key(url) or str(checkout.main_root or checkout.root)
    return ProjectPlacement(
        project_key=key,
        project_name=project_name(key),
        checkout=Checkout(
            cwd=cwd,
            is_git=True,
            current_branch=printable(branch) if branch else None,
            remote_url=shown_url(url) if url else None,
            is_paseo_owned_worktree=False,
            main_repo_root=str(checkout.main_root) if checkout.main_root else None,
            worktree_root=str(checkout.root),
        ),
    )


def project_key(url: str | None) -> str | None:
    """`remote:<host>/<path>` of a remote on another machine; None for a path on this one."""
    host, path = _host_and_path(url or "")
    path = path.strip("/").removesuffix(".git").rstrip("/")
    if not host or not path:
        return None
    return printable(f"remote:{host.lower()}/{path}")


def project_name(key: str) -> str:
    """`owner/repo` for GitHub, else the last part of the key."""
    github = key.removeprefix("remote:github.com/")
    if github != key:
        return github
    return key.rstrip("/").rpartition("/")[2] or key


def shown_url(url: str) -> str:
    """The remote without the secrets that people put into URLs: it goes to every client."""
    if "://" not in url:
        return printable(url)
    try:
        parts = urlsplit(url)
    except ValueError:
        return printable(url.partition("://")[0] + "://…")
    user, _, host = parts.netloc.rpartition("@")
    # In ssh://git@host the user is part of the address; in https it is a login or a token.
    keep = user.partition(":")[0] + "@" if user and parts.scheme == "ssh" else ""
    return printable(urlunsplit((parts.scheme, keep + host, parts.path, "", "")))


def _host_and_path(url: str) -> tuple[str, str]:
    if "://" in url:
        try:
            parts = urlsplit(url)
        except ValueError:
            return "", ""
        return ("", "") if parts.scheme == "file" else (parts.hostname or "", parts.path)
    match = re.fullmatch(_SCP, url)
    if match is None or url.startswith((".", "/")):
        return "", ""
    return match["host"], match["path"]
