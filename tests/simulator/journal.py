"""What happened since a shop was made, line by line, so that a restart loses nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from tests.simulator.store import Store, Subscription, Token


class Journal:
    """Appends to *path*; without one it forgets."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def read(self) -> Iterator[dict[str, Any]]:
        if self._path is None or not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield orjson.loads(line)

    def open(self) -> None:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # It holds every token that was issued.
            self._path.touch(mode=0o600)
            self._path.chmod(0o600)
            self._file = self._path.open("ab")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, kind: str, store: Store | None, **facts: Any) -> None:
        if self._file is None:
            return
        shop = store.world.recipe.domain if store else None
        self._file.write(orjson.dumps({"kind": kind, "shop": shop, **facts}) + b"\n")
        self._file.flush()

    def made(self, store: Store) -> None:
        self._write("shop", store, recipe=dataclasses.asdict(store.world.recipe))

    def acted(
        self, store: Store, name: str, parameters: dict[str, Any], *, seed: int, at: int
    ) -> None:
        self._write("action", store, name=name, parameters=parameters, seed=seed, at=at)

    def issued(self, store: Store, token: Token) -> None:
        self._write("token", store, token=dataclasses.asdict(token))

    def revoked(self, store: Store) -> None:
        self._write("revoked", store)

    def subscribed(self, store: Store, one: Subscription) -> None:
        self._write("subscription", store, subscription=dataclasses.asdict(one))

    def unsubscribed(self, store: Store, number: int) -> None:
        self._write("unsubscribed", store, id=number)
