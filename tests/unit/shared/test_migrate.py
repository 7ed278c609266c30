"""Migrations run once each, in order, and never change afterwards."""

from __future__ import annotations

import pytest

from shared.errors import Conflict
from shared.migrate import Migration, migrations, pending

FIRST = Migration(version="accounts/0001_a", sql="SELECT 1")
SECOND = Migration(version="accounts/0002_b", sql="SELECT 2")


def test_only_what_has_not_run_is_pending() -> None:
    assert pending([FIRST, SECOND], {FIRST.version: FIRST.checksum}) == [SECOND]


def test_a_migration_changed_after_it_ran_is_refused() -> None:
    with pytest.raises(Conflict) as caught:
        pending([FIRST], {FIRST.version: "another"})

    assert FIRST.version in str(caught.value)


def test_roles_and_schemas_come_before_everything_else() -> None:
    assert migrations()[0].version == "accounts/0001_roles"
