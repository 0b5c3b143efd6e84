"""Programs that try to outlive their end. Each prints the pids of its processes, then sleeps.

Those that fork for ever stop by themselves after a while: one that a test cannot catch must not
burn the machine for hours.
"""

from __future__ import annotations

_SLEEP = "\nimport time\nwhile True: time.sleep(1000)\n"
_DEAF = "import signal\nfor n in (1, 2, 13, 15): signal.signal(n, signal.SIG_IGN)\n"

SCATTERED = (
    _DEAF
    + """
import os, sys
def tell():
    os.write(1, b"%d\\n" % os.getpid())
tell()
if os.fork() == 0:          # a child in its own session
    os.setsid(); tell()
elif os.fork() == 0:        # a double fork: an orphan
    os.setsid()
    if os.fork(): os._exit(0)
    tell()
elif os.fork() == 0:        # an orphan without the marker and without pipes
    os.setsid()
    if os.fork(): os._exit(0)
    tell()
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2): os.dup2(null, fd)
    os.execve("/bin/sleep", ["sleep", "1000"], {})
elif os.fork() == 0:        # a second process group with a child of its own
    os.setpgid(0, 0); tell()
    if os.fork() == 0: tell()
"""
    + _SLEEP
)
SCATTERED_COUNT = 6

CHAIN = (
    _DEAF
    + """
import os, time
os.write(1, b"%d\\n" % os.getpid())
until = time.monotonic() + 15
while time.monotonic() < until:  # always a new process, the old one gone
    if os.fork(): os._exit(0)
    os.setsid()
"""
)

BESIDE_CHAIN = """
import os, time
if os.fork() == 0:
    exec(CHAIN)
while True: time.sleep(1000)
""".replace("CHAIN", repr(CHAIN))

BUSH = (
    _DEAF
    + """
import os, time
os.write(1, b"%d\\n" % os.getpid())
for _ in range(5):          # 32 processes, and each starts others again and again
    os.fork()
until = time.monotonic() + 60
while time.monotonic() < until:
    if os.fork() == 0:
        time.sleep(0.02)
        os._exit(0)
    time.sleep(0.01)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]: pass
    except ChildProcessError: pass
"""
)

LEAVES_OTHERS = SCATTERED.replace(
    _SLEEP, "\nelse:\n    import time; time.sleep(0.3); os._exit(4)" + _SLEEP
)
