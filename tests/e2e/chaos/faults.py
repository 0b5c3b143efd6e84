"""What goes wrong in the chaos test: one function for each fault, which returns when it is over."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable

from sereno.core.client.errors import ClientError
from sereno.core.protocol import requests as wire
from sereno.core.protocol.messages import AgentCreated
from tests.e2e.chaos.house import House

__all__ = ["FAULTS", "Fault"]

Fault = Callable[[House, random.Random], None]


def _signal_daemon(house: House, number: int) -> int | None:
    pid = house.pid()
    if pid is not None:
        house.kill(pid, number)
    return pid


def kill_daemon(house: House, chance: random.Random) -> None:
    _signal_daemon(house, signal.SIGKILL)
    time.sleep(chance.uniform(0, 1.0))


def kill_daemon_and_standby(house: House, chance: random.Random) -> None:
    both = [*house.standbys(), *([pid] if (pid := house.pid()) else [])]
    chance.shuffle(both)
    for pid in both:
        house.kill(pid)
    time.sleep(chance.uniform(0, 0.5))
    house.ensure()


def kill_at_the_start_of_an_agent(house: House, chance: random.Random) -> None:
    """Between the promise of a program and the program, where two could be started."""
    with contextlib.suppress(ClientError), house.client() as client:
        token = f"p9{chance.randrange(10**5):05d}"
        place = house.work / chance.choice("abcd")
        place.mkdir(exist_ok=True)
        config = wire.AgentConfig(provider="demo", cwd=str(place))
        text = f"think {token}\nstream 20 tools every 2ms"
        made = client.request(wire.CreateAgent(request_id="", config=config, initial_prompt=text))
        if not isinstance(made, AgentCreated):
            return
        house.removed.add(made.agent_id)
        time.sleep(chance.uniform(0.0, 0.15))
        _signal_daemon(house, signal.SIGKILL)
        house.answers(5.0)
        with house.client() as again:
            again.request(wire.DeleteAgent(request_id="", agent_id=made.agent_id), 60.0)


def kill_standby(house: House, chance: random.Random) -> None:
    for pid in house.standbys():
        house.kill(pid)
    time.sleep(chance.choice([0, 0.1, 0.7]))


def terminate_daemon(house: House, chance: random.Random) -> None:
    _signal_daemon(house, signal.SIGTERM)
    time.sleep(chance.uniform(0, 0.7))
    house.ensure()


def hang_up_daemon(house: House, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 3)):
        _signal_daemon(house, signal.SIGHUP)
        time.sleep(chance.uniform(0, 0.1))


def freeze_daemon(house: House, chance: random.Random) -> None:
    """Stopped for a while; somebody else may try to start one meanwhile, or kill it."""
    pid = _signal_daemon(house, signal.SIGSTOP)
    if pid is None:
        return
    time.sleep(chance.uniform(0.05, 1.5))
    if chance.random() < 0.2:
        other = house.popen("daemon", "start")
        time.sleep(chance.uniform(0.2, 1.0))
        house.kill(pid, signal.SIGCONT)
        other.communicate(timeout=60)
    elif chance.random() < 0.2:
        house.kill(pid, signal.SIGKILL)
    house.kill(pid, signal.SIGCONT)


def restart_daemon(house: House, chance: random.Random) -> None:
    if chance.random() < 0.5:
        house.sereno("daemon", "restart", code=None)
        return
    with contextlib.suppress(ClientError), house.client() as client:
        client.request(wire.RestartServer(request_id=""), 5.0)


def stop_and_start(house: House, chance: random.Random) -> None:
    house.sereno("daemon", "stop", code=None)
    time.sleep(chance.uniform(0, 0.5))
    house.ensure()


def race_of_starts(house: House, chance: random.Random) -> None:
    """Several daemons for one home at once; one at most may win."""
    if chance.random() < 0.6:
        for pid in house.standbys():
            house.kill(pid)
        _signal_daemon(house, signal.SIGKILL)
    verbs = [("daemon", "start"), ("--no-ui",), ("daemon", "start")]
    started = [(verb, house.popen(*verb)) for verb in chance.sample(verbs, chance.randint(2, 3))]
    for verb, one in started:
        if verb == ("daemon", "start"):
            one.communicate(timeout=60)
    house.ensure()


def kill_runner(house: House, chance: random.Random) -> None:
    if runners := house.runners():
        agent = chance.choice(sorted(runners))
        house.wounded.add(agent)
        house.kill(
            runners[agent][0], chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        )


def kill_runner_and_daemon(house: House, chance: random.Random) -> None:
    runners = house.runners()
    _signal_daemon(house, signal.SIGKILL)
    for agent in chance.sample(sorted(runners), min(2, len(runners))):
        house.wounded.add(agent)
        house.kill(runners[agent][0])


def freeze_runner(house: House, chance: random.Random) -> None:
    if runners := house.runners():
        pid, _ = chance.choice(sorted(runners.values(), key=str))
        house.kill(pid, signal.SIGSTOP)
        time.sleep(chance.uniform(0.1, 2.0))
        house.kill(pid, signal.SIGCONT)


def kill_program(house: House, chance: random.Random) -> None:
    programs = [child for _, child in house.runners().values() if child]
    if programs:
        house.kill(chance.choice(sorted(programs)), signal.SIGKILL)


def freeze_program(house: House, chance: random.Random) -> None:
    programs = [child for _, child in house.runners().values() if child]
    if programs:
        pid = chance.choice(sorted(programs))
        house.kill(pid, signal.SIGSTOP)
        time.sleep(chance.uniform(0.1, 1.0))
        house.kill(pid, signal.SIGCONT)


def deaf_client(house: House, chance: random.Random) -> None:
    """Subscribes to everything, asks for much, and reads nothing."""
    with contextlib.suppress(ClientError), house.client() as client:
        client.send(wire.FetchAgents(request_id="", subscribe=wire.Subscribe()))
        for agent in list(house.runners())[:4]:
            for _ in range(20):
                client.send(wire.FetchTimeline(request_id="", agent_id=agent, limit=0))
        time.sleep(chance.uniform(0.2, 2.0))


def busy_database(house: House, chance: random.Random) -> None:
    """Another program has the database open, for longer than SQLite waits now and then."""
    other = sqlite3.connect(house.home.database, isolation_level=None, timeout=2.0)
    try:
        with contextlib.suppress(sqlite3.OperationalError):
            other.execute("BEGIN IMMEDIATE")
            time.sleep(chance.choice([0.2, 1.0, 6.0]))
            if chance.random() < 0.3:
                _signal_daemon(house, signal.SIGKILL)
            other.execute("ROLLBACK")
    finally:
        other.close()


def full_disk(house: House, chance: random.Random) -> None:
    """Only where the home is a small disk of its own."""
    if not os.path.ismount(house.home.root):
        return
    filler = house.home.root / "filler"
    try:
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"x" * 65536):
                pass
        with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"x" * 512):
                pass
        time.sleep(chance.uniform(0.2, 2.0))
        if chance.random() < 0.4:
            chance.choice([kill_daemon, kill_runner, kill_program, restart_daemon])(house, chance)
            time.sleep(chance.uniform(0.0, 1.0))
    finally:
        filler.unlink()


def read_only(house: House, chance: random.Random) -> None:
    """A file or a folder of the home that cannot be written for a while (not for who may write
    everything)."""
    places = [house.home.database, house.home.root, house.home.agents]
    places += sorted(house.home.agents.glob("*/*"))[:3]
    places += sorted(house.home.agents.glob("*/*/journal.*"))[:3]
    place = chance.choice(places)
    try:
        mode = place.stat().st_mode & 0o777
        place.chmod(mode & ~0o222)
    except OSError:
        return
    try:
        time.sleep(chance.uniform(0.1, 1.0))
        if chance.random() < 0.4:
            chance.choice([kill_daemon, kill_runner, kill_program])(house, chance)
    finally:
        with contextlib.suppress(OSError):
            place.chmod(mode)


def no_descriptors(house: House, chance: random.Random) -> None:
    """The daemon may open nothing more for a while."""
    pid = house.pid()
    if pid is None:
        return
    with contextlib.suppress(OSError):
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        count = len(os.listdir(f"/proc/{pid}/fd"))
        low = count + chance.choice([0, 1, 2, 4, 8])
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (low, before[1]))
        time.sleep(chance.uniform(0.1, 1.0))
        if chance.random() < 0.7:
            chance.choice([hang_up_daemon, kill_runner, kill_program, deaf_client])(house, chance)
        time.sleep(chance.uniform(0.1, 1.0))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def no_folder(house: House, chance: random.Random) -> None:
    """The folder in which agents work vanishes, and comes back."""
    places = [place for place in sorted(house.work.iterdir()) if place.is_dir()]
    if places:
        place = chance.choice(places)
        aside = place.with_name(place.name + "-aside")
        place.rename(aside)
        time.sleep(chance.uniform(0.1, 1.5))
        if place.exists():
            shutil.rmtree(place)
        aside.rename(place)


def window(house: House, chance: random.Random) -> None:
    """A person opens the screen, and leaves it in some way."""
    if chance.random() < 0.5:
        house.sereno("daemon", "stop", code=None)
    one = house.open_window()
    time.sleep(chance.uniform(0.5, 3.0))
    match chance.choice(["kill", "hang up", "q", "stay", "term"]):
        case "kill":
            one.process.kill()
        case "hang up":
            one.hang_up()
        case "q":
            one.type(b"\x1b")
            time.sleep(0.3)
            one.type(b"q")
        case "term":
            one.process.terminate()
        case _:
            pass
    time.sleep(chance.uniform(0.0, 1.0))


FAULTS: dict[Fault, int] = {
    kill_daemon: 12,
    kill_daemon_and_standby: 4,
    kill_at_the_start_of_an_agent: 5,
    kill_standby: 3,
    terminate_daemon: 3,
    hang_up_daemon: 3,
    freeze_daemon: 5,
    restart_daemon: 4,
    stop_and_start: 2,
    race_of_starts: 3,
    kill_runner: 7,
    kill_runner_and_daemon: 4,
    freeze_runner: 4,
    kill_program: 6,
    freeze_program: 3,
    deaf_client: 3,
    busy_database: 4,
    full_disk: 5,
    read_only: 5,
    no_descriptors: 4,
    no_folder: 4,
    window: 4,
}
"""With how often each of them comes, of all of them."""
