"""The demo as a person runs it: once, live, again, and when something dies."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Ended

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

ORDERS = "150"
CURL = re.compile(r'^curl -s -H "X-API-Key: (\S+)" "(\S+)"$', re.MULTILINE)


class Demo:
    """A demo in the foreground of a terminal that this is."""

    def __init__(self, environment: dict[str, str], output: Path) -> None:
        self._output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services", "demo", "--orders", ORDERS],
                env=environment,
                cwd=ROOT,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._output.read_text()

    def until(self, words: str, *, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.1)

    def answers(self) -> list[dict]:
        """What the printed requests answer."""
        requests = [
            urllib.request.Request(url, headers={"X-API-Key": key})
            for key, url in CURL.findall(self.said)
        ]
        bodies = []
        for request in requests:
            with urllib.request.urlopen(request, timeout=10) as answer:
                bodies.append(json.loads(answer.read()))
        return bodies

    def children(self) -> dict[int, str]:
        """The command line of every process that this one started, by its id."""
        return {pid: command for pid, parent, command in processes() if parent == self.process.pid}

    def interrupt(self) -> float:
        """Press Ctrl-C; return the seconds until the end."""
        started = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(20)
        return time.monotonic() - started


def processes() -> list[tuple[int, int, str]]:
    """Every process that lives: its id, its parent's and its command line."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    )
    lines = [line.split(None, 3) for line in listed.stdout.splitlines()]
    return [
        (int(pid), int(parent), command)
        for pid, parent, state, command in lines
        if not state.startswith("Z")
    ]


def alive(children: dict[int, str]) -> list[str]:
    """The commands among *children* that still run."""
    return [command for pid, _, command in processes() if children.get(pid) == command]


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[[], Demo]]:
    """Start a demo; what still runs at the end is killed."""
    started: list[Demo] = []

    def one() -> Demo:
        started.append(Demo(environment, tmp_path / f"output{len(started)}"))
        return started[-1]

    yield one
    for demo in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(demo.process.pid, signal.SIGTERM)
        demo.process.wait(20)


def test_once_checks_everything_and_ends_well(command: Callable[..., Ended]) -> None:
    ended = command("demo", "--once", "--orders", ORDERS)

    assert ended.status == 0, ended.out + ended.err
    assert "4 of 4 checks passed" in ended.out
    assert "FAILED" not in ended.out


def test_ctrl_c_ends_all_in_five_seconds_and_the_next_start_goes_on(
    start: Callable[[], Demo],
) -> None:
    demo = start()
    demo.until("Ctrl-C stops everything")
    orders, sales, jobs = demo.answers()
    key = CURL.findall(demo.said)[0][0]
    children = demo.children()

    seconds = demo.interrupt()

    assert seconds < 5
    assert demo.process.returncode == 0
    assert len(children) == 7  # Postgres, the watchdog, four services, the simulator
    assert alive(children) == []
    assert len(orders["data"]) == 3
    assert sales["data"]["totals"][0]["net_sales"] > 0
    assert {job["status"] for job in jobs["data"]} == {"succeeded"}

    again = start()
    again.until("Ctrl-C stops everything")

    assert "still connected" in again.said
    assert CURL.findall(again.said)[0][0] == key
    assert again.answers()[1]["data"]["totals"][0]["orders"] >= int(ORDERS) * 0.9


@pytest.mark.parametrize("seconds", [0.6, 1.0, 1.6, 2.4])
def test_ctrl_c_while_starting_leaves_nothing_behind(
    start: Callable[[], Demo], environment: dict[str, str], seconds: float
) -> None:
    demo = start()
    time.sleep(seconds)

    assert demo.interrupt() < 5

    assert demo.process.returncode in {0, 130}
    assert [line for _, _, line in processes() if environment["TILLSTREAM_HOME"] in line] == []
    assert "Traceback" not in demo.said


def test_a_dead_service_is_named_with_its_last_words(start: Callable[[], Demo]) -> None:
    demo = start()
    demo.until("ready: ")
    (syncer,) = (pid for pid, line in demo.children().items() if "services.syncer" in line)

    os.kill(syncer, signal.SIGKILL)
    demo.process.wait(20)

    assert demo.process.returncode == 1
    assert "tillstream: syncer ended with status -9; the end of " in demo.said
    assert "Traceback" not in demo.said


def test_a_killed_demo_takes_its_children_along_and_can_be_started_again(
    start: Callable[[], Demo],
) -> None:
    demo = start()
    demo.until("ready: ")
    children = demo.children()

    demo.process.kill()
    demo.process.wait(5)
    deadline = time.monotonic() + 15
    while alive(children) and time.monotonic() < deadline:
        time.sleep(0.2)

    assert alive(children) == []
    start().until("Ctrl-C stops everything")
