"""Privacy requests on the command line: list, and try a refused one again."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING
from uuid import UUID

import orjson

from services.syncer.asking import Asked
from services.syncer.store import privacy as store
from shared.postgres import Record

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_MOST_LISTED = 1000
_HEADS = ("request", "topic", "customer", "state", "due", "result")


def add_arguments(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command ``privacy`` with commands of its own."""
    parser = commands.add_parser("privacy", help="what Shopify's privacy topics asked for")
    below = parser.add_subparsers(dest="privacy_command", metavar="COMMAND", required=True)
    listed = _of_store(below.add_parser("list", help="list requests, newest first"))
    listed.add_argument("--json", action="store_true", help="print one JSON document, with proofs")
    retry = _of_store(
        below.add_parser(
            "retry",
            help="try a refused request again",
            description="Opens a refused request again; a running syncer does the work. Exit code"
            " 0: it is open, 1: there is no such refused request.",
        )
    )
    retry.add_argument("id", type=UUID, metavar="REQUEST_ID")


def _of_store(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--shop", required=True, metavar="NAME.myshopify.com", help="or its number")
    return parser


async def run(asked: Asked) -> int:
    """List the store's requests, or open one again."""
    if asked.wanted.privacy_command == "retry":
        return await _retry(asked)
    async with asked.connection() as conn:
        rows = await store.listed(conn, asked.owner, limit=_MOST_LISTED)
    if asked.terminal.as_json:
        asked.terminal.document(
            [dict(row) | {"erased": orjson.Fragment(row["erased"])} for row in rows]
        )
    else:
        asked.terminal.table(_HEADS, map(_shown, rows))
    return 0


async def _retry(asked: Asked) -> int:
    async with asked.connection() as conn:
        is_open = await store.reopen(conn, asked.owner, asked.wanted.id)
    asked.terminal.say("it is open again" if is_open else "there is no such refused request")
    return 0 if is_open else 1


def _shown(row: Record) -> tuple[str, ...]:
    customer = str(row["customer_id"] or "")
    due = f"{row['due_at']:%Y-%m-%d %H:%M}"
    return (
        str(row["request_id"]),
        row["topic"],
        customer,
        row["state"],
        due,
        row["result"] or "",
    )
