"""The directory in which one machine keeps what must survive a restart."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from shared import keyring
from shared.errors import Rejected

Kept = TypeVar("Kept", bound=BaseModel)


class Secrets(BaseModel):
    """Made once; whoever reads them reads every store's tokens."""

    client_secret: str
    encryption_key: str
    jwt_secret: str


class Access(BaseModel):
    """The first tenant of this machine and its API key."""

    tenant_id: str
    api_key: str
    # Which database knows them: another one needs a tenant of its own.
    database: str


class Home:
    """``.tillstream``: Postgres' data, secrets (mode 0600), logs, the simulator's journal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.simulator_state = path / "simulator.journal"
        self._secrets = path / "secrets.json"
        self._access = path / "access.json"
        self._world = path / "world"

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the directory for this process; raise Rejected when another one has it."""
        with _rejected_if_foreign(self.path):
            # Others may pass through: under root, Postgres runs as another account.
            self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as exc:
            raise Rejected(
                f"another tillstream runs in {self.path}; stop it or set TILLSTREAM_HOME"
            ) from exc
        finally:
            os.close(lock)

    def secrets(self) -> Secrets:
        """Return this machine's secrets, made on the first call."""
        if not self._secrets.exists():
            _write(
                self._secrets,
                Secrets(
                    client_secret=secrets.token_hex(32),
                    encryption_key=keyring.generate_key(),
                    jwt_secret=secrets.token_urlsafe(48),
                ),
            )
        return _read(self._secrets, Secrets)

    def access(self, database: str) -> Access | None:
        """Return the first tenant's key in *database*, None before there is one."""
        access = _read(self._access, Access) if self._access.exists() else None
        return access if access and access.database == database else None

    def keep_access(self, access: Access) -> None:
        """Remember the first tenant's key."""
        _write(self._access, access)

    def require_world(self, world: str) -> None:
        """Remember which store the simulator plays; raise Rejected when it was another one.

        The data of one store cannot go on as the data of another.
        """
        if self._world.exists() and (before := self._world.read_text().strip()) != world:
            raise Rejected(
                f"{self.path} holds the store of '{before}', not of '{world}'; "
                f"remove it or set TILLSTREAM_HOME to another directory"
            )
        self._world.write_text(world + "\n")


@contextlib.contextmanager
def _rejected_if_foreign(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as exc:
        raise Rejected(f"{path} belongs to another user; run as that user or remove it") from exc


def _write(path: Path, value: BaseModel) -> None:
    """Write *value* so that a crash leaves the old file or the new one, never half of it."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value.model_dump_json(indent=2) + "\n")
    fresh.replace(path)


def _read(path: Path, kind: type[Kept]) -> Kept:
    try:
        return kind.model_validate_json(path.read_text())
    except ValidationError as exc:
        raise Rejected(
            f"{path} is damaged; restore it from a backup or remove {path.parent}"
        ) from exc
