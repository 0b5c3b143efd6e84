"""What a client hears first: which daemon this is (wire reference 5.3), and the daemon's own id."""

from __future__ import annotations

import base64
import os
import socket

from sereno.core.protocol.frames import encode_payload
from sereno.core.protocol.messages import ServerFeatures, ServerInfo

__all__ = ["ADDITIONS", "greeting", "new_server_id", "page"]

ADDITIONS = 1
"""Version of Sereno's additions to the wire."""


def greeting(server_id: str, daemon_version: str) -> bytes:
    """The server_info frame."""
    reason = "Sereno has no voice"
    off = {"enabled": False, "reason": reason}
    return encode_payload(
        ServerInfo(
            server_id=server_id,
            hostname=socket.gethostname() or None,
            version=daemon_version,
            capabilities={"voice": {"dictation": off, "voice": off}},
            features=ServerFeatures(providers_snapshot=True, sereno=ADDITIONS),
        )
    )


def page(server_id: str, daemon_version: str) -> dict[str, object]:
    """What /api/status says, apart from the address (wire reference 4.4)."""
    return {
        "status": "server_info",
        "serverId": server_id,
        "hostname": socket.gethostname(),
        "version": daemon_version,
    }


def new_server_id() -> str:
    """As the wire reference 1.4 has it: 9 random bytes in base64url."""
    return "srv_" + base64.urlsafe_b64encode(os.urandom(9)).decode()
