"""A RabbitMQ of the test run's own, out of the ``rabbitmq-server`` that is installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

# Debian's program on PATH is a wrapper that insists on one account; the real one is beside it.
PLACES = ("/usr/lib/rabbitmq/bin/rabbitmq-server",)
START_SECONDS = 60


def program() -> str | None:
    """Return the path of an installed server."""
    installed = next((place for place in PLACES if Path(place).exists()), None)
    return installed or shutil.which("rabbitmq-server")


class PrivateRabbitMQ:
    """One node with its own name, ports, data and port mapper; nothing of it stays."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._directory = Path(tempfile.mkdtemp(prefix="till-rabbitmq-"))
        self._port, self._node_port, self._mapper_port = _free_port(), _free_port(), _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    def start(self) -> str:
        """Return the node's URL once it answers; raise RuntimeError if it never does."""
        (self._directory / "enabled_plugins").write_text("[].\n")
        (self._directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._port}\nlog.console.level = warning\n"
        )
        with (self._directory / "output").open("wb") as output:
            self._process = subprocess.Popen(
                [self._server],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not _greets(self._port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self._directory / "output").read_text(errors="replace")[-800:]
                self.stop()
                raise RuntimeError(f"{self._server} did not start: {said}")
            time.sleep(0.2)
        return self.url

    def kill(self) -> None:
        """Kill -9; ``start`` begins again on the same data, under the same URL."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def control(self, *command: str) -> None:
        """Run ``rabbitmqctl`` on the node."""
        done = subprocess.run(
            [str(Path(self._server).with_name("rabbitmqctl")), *command],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            env=self._environment(),
        )
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {' '.join(command)}: {done.stdout} {done.stderr}")

    def stop(self) -> None:
        """End the node and its port mapper and remove the data."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            # The port mapper makes itself a daemon, out of the group.
            subprocess.run(
                ["epmd", "-port", str(self._mapper_port), "-kill"],
                check=False,
                capture_output=True,
                env={**os.environ, "ERL_EPMD_RELAXED_COMMAND_CHECK": "1"},
            )
            self._process = None
        shutil.rmtree(self._directory, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        home = str(self._directory)
        return {
            **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            "HOME": home,
            "RABBITMQ_NODENAME": f"till{self._port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{home}/data",
            "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": f"{home}/pid",
        }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _greets(port: int) -> bool:
    """Whether an AMQP server answers: it refuses a wrong header by sending its own."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as probe:
            probe.sendall(b"AMQP\x00\x00\x00\x00")
            return probe.recv(4) == b"AMQP"
    except OSError:
        return False
