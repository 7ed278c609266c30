"""The receiver as a process of its own, what it logs, and raw bytes sent to it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.keyring import generate_key

ROOT = Path(__file__).parents[2]
SECRET = "fuzz"
SHOP = "fuzz.myshopify.com"
# Closing sends RST: on, after zero seconds.
_RESET = struct.pack("ii", 1, 0)
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_COMPLAINT = re.compile(r"Traceback|\"level\": ?\"(error|critical)\"|Unhandled|never retrieved")


class Receiver:
    """A running receiver."""

    def __init__(self, port: int, log: Path, child: subprocess.Popen[bytes]) -> None:
        self.port = port
        self._log = log
        self._child = child
        self._read = 0

    def send(self, raw: bytes, *, seconds: float) -> list[int]:
        """Send *raw* on a connection of its own; return the statuses answered.

        Waits for *seconds* at most until the receiver closes, for it may expect more to come.
        """
        answer = bytearray()
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as link,
            contextlib.suppress(ConnectionError, TimeoutError),
        ):
            link.sendall(raw)
            while piece := link.recv(65536):
                answer += piece
        return [int(status) for status in _STATUS.findall(bytes(answer))]

    def leave(self, raw: bytes) -> None:
        """Send *raw* and reset the connection at once."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            link.sendall(raw)

    def complaints(self) -> list[str]:
        """Return what it logged since the last call and no request may cause, and if it died."""
        code = self._child.poll()
        lines = self._log.read_text(errors="replace").splitlines()
        found = [line for line in lines[self._read :] if _COMPLAINT.search(line)]
        self._read = len(lines)
        return found if code is None else [*found, f"ended with {code}"]


@contextlib.contextmanager
def receiver(dsn: str, folder: Path) -> Iterator[Receiver]:
    """Run the receiver on the bus in Postgres, with no limit on strangers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "receiver.log"
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": dsn,
        "SHOPIFY_CLIENT_SECRET": SECRET,
        "SHOPIFY_ENCRYPTION_KEY": generate_key(),
        "WEBHOOKS_PORT": str(port),
        "WEBHOOKS_REFUSALS_PER_SECOND": "0",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "WARNING",
    }
    command = (sys.executable, "-X", "dev", "-m", "services.webhooks")
    with log.open("wb") as sink:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=sink, stderr=sink)
    try:
        _await_ready(port, child)
        yield Receiver(port, log, child)
    finally:
        child.terminate()
        child.wait(30)


def _await_ready(port: int, child: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert child.poll() is None, "the receiver ended by itself"
        url = f"http://127.0.0.1:{port}/readyz"
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.05)
    raise AssertionError("the receiver does not become ready")


def signed(body: bytes) -> bytes:
    """Sign as Shopify does."""
    return base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256))


def request(
    path: bytes, headers: Sequence[tuple[bytes, bytes]], body: bytes, *, method: bytes = b"POST"
) -> bytes:
    """Return a request as bytes; nothing is escaped."""
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: localhost"]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
