"""A demo that runs, and what this machine runs beside it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXPORT = re.compile(r"^for the command line: export DATABASE_URL='(\S+)'$", re.MULTILINE)
CURL = re.compile(r'^curl -s -H "X-API-Key: (\S+)" "(\S+)"$', re.MULTILINE)


class Demo:
    """A demo in the foreground of a terminal that this is."""

    def __init__(self, environment: dict[str, str], output: Path, *arguments: str) -> None:
        self._output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services", "demo", *arguments],
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
        return [get(url, key) for key, url in CURL.findall(self.said)]

    def status(self) -> str:
        """What the command line says of the store, with the database that was named for it."""
        (url,) = EXPORT.findall(self.said)
        shop = ("--shop", "demo-store.myshopify.com")
        asked = subprocess.run(
            [sys.executable, "-m", "services.syncer", "status", *shop],
            env={"DATABASE_URL": url, "PATH": os.environ["PATH"]},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return asked.stdout

    def children(self) -> dict[int, str]:
        """The command line of every process that this one started, by its id."""
        return {pid: command for pid, parent, command in processes() if parent == self.process.pid}

    def interrupt(self) -> float:
        """Press Ctrl-C; return the seconds until the end."""
        started = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(20)
        return time.monotonic() - started


def get(url: str, api_key: str = "") -> dict:
    """The JSON that *url* answers."""
    request = urllib.request.Request(url, headers={"X-API-Key": api_key})
    with urllib.request.urlopen(request, timeout=60) as answer:
        body: dict = json.loads(answer.read())
    return body


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
