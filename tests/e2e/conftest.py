"""The commands of ``python -m services`` as a person starts them, each on ports of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.demo import ROOT, Demo

NAMES = ("GATEWAY", "WEBHOOKS", "SYNCER", "ANALYTICS", "SIMULATOR")


@dataclass(frozen=True)
class Ended:
    """What a command left."""

    status: int
    out: str
    err: str


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment that names free ports, a home of its own and no servers."""
    ports = {f"{name}_PORT": str(port) for name, port in zip(NAMES, free_ports(5), strict=True)}
    home = {"TILLSTREAM_HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"], "COLUMNS": "120"}
    return home | ports


@pytest.fixture
def command(environment: dict[str, str]) -> Callable[..., Ended]:
    """Run a command of ours to its end."""

    def run(*arguments: str, **changes: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "services", *arguments],
            env=environment | changes,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Start a demo; what still runs at the end is told to stop."""
    started: list[Demo] = []

    def one(*arguments: str) -> Demo:
        started.append(Demo(environment, tmp_path / f"output{len(started)}", *arguments))
        return started[-1]

    yield one
    for demo in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(demo.process.pid, signal.SIGTERM)
        demo.process.wait(20)


@pytest.fixture
def taken_port() -> Iterator[str]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield str(taken.getsockname()[1])
