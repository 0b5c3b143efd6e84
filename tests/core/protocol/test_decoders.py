"""Decoders built at first use, by several threads at once."""

from __future__ import annotations

import subprocess
import sys

RACE = """
import random, sys, threading
from sereno.core.agents import requests, timeline
from sereno.core.protocol import frames
sys.setswitchinterval(1e-6)
ITEM = (b'{"type":"tool_call","callId":"c","name":"shell","detail":{"type":"shell","command":"x"},'
        b'"status":"running","error":null,"metadata":{"a":1}}')
PAGE = (b'{"type":"session","message":{"type":"fetch_agent_timeline_response","payload":'
        b'{"requestId":"1","agentId":"a","entries":[{"item":' + ITEM + b'}]}}}')

def read():
    for _ in range(20):
        timeline.decode_item(ITEM)

def show():
    for _ in range(20):
        try:
            frames.decode_daemon_frame(PAGE)
        except frames.BadFrame:
            pass

work = [read, show, read, show, requests._requests]
threads = [threading.Thread(target=one) for one in work]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("whole")
"""


def test_threads_that_build_decoders_of_the_same_types_do_not_crash() -> None:
    """The readers of the database, the daemon and the UI do so in one process. Without the one
    lock around building four of five of these processes die of SIGSEGV."""
    children = [
        subprocess.Popen([sys.executable, "-P", "-c", RACE], stdout=-1, stderr=-1, text=True)
        for _ in range(3)
    ]
    for child in children:
        out, err = child.communicate(timeout=60)
        assert (child.returncode, out) == (0, "whole\n"), err
