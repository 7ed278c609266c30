"""The demo as a person runs it: once, live, again, and when something dies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.e2e.conftest import Ended
from tests.e2e.demo import CURL, Demo, alive, processes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

ORDERS = "150"


def test_once_checks_everything_and_ends_well(command: Callable[..., Ended]) -> None:
    ended = command("demo", "--once", "--orders", ORDERS)

    assert ended.status == 0, ended.out + ended.err
    assert "4 of 4 checks passed" in ended.out
    assert "FAILED" not in ended.out


def test_ctrl_c_ends_all_in_five_seconds_and_the_next_start_goes_on(
    start: Callable[..., Demo],
) -> None:
    demo = start("--orders", ORDERS)
    demo.until("Ctrl-C stops everything")
    orders, sales, jobs = demo.answers()
    status = demo.status()
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
    assert "orders" in status

    again = start("--orders", ORDERS)
    again.until("Ctrl-C stops everything")

    assert "still connected" in again.said
    assert CURL.findall(again.said)[0][0] == key
    assert again.answers()[1]["data"]["totals"][0]["orders"] >= int(ORDERS) * 0.9


@pytest.mark.parametrize("seconds", [0.6, 1.0, 1.6, 2.4])
def test_ctrl_c_while_starting_leaves_nothing_behind(
    start: Callable[..., Demo], environment: dict[str, str], seconds: float
) -> None:
    demo = start("--orders", ORDERS)
    time.sleep(seconds)

    assert demo.interrupt() < 5

    # While it is still loading the signal itself ends it.
    assert demo.process.returncode in {0, 130, -signal.SIGINT}
    assert [line for _, _, line in processes() if environment["TILLSTREAM_HOME"] in line] == []
    assert "Traceback" not in demo.said


def test_a_dead_service_is_named_with_its_last_words(start: Callable[..., Demo]) -> None:
    demo = start("--orders", ORDERS)
    demo.until("ready: ")
    (syncer,) = (pid for pid, line in demo.children().items() if "services.syncer" in line)

    os.kill(syncer, signal.SIGKILL)
    demo.process.wait(20)

    assert demo.process.returncode == 1
    assert "tillstream: syncer ended with status -9; the end of " in demo.said
    assert "Traceback" not in demo.said


def test_a_killed_demo_takes_its_children_along_and_can_be_started_again(
    start: Callable[..., Demo],
) -> None:
    demo = start("--orders", ORDERS)
    demo.until("ready: ")
    children = demo.children()

    demo.process.kill()
    demo.process.wait(5)
    deadline = time.monotonic() + 15
    while alive(children) and time.monotonic() < deadline:
        time.sleep(0.2)

    assert alive(children) == []
    start("--orders", ORDERS).until("Ctrl-C stops everything")
