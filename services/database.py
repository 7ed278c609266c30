"""The database of a URL, brought up to date, with errors that name the setting."""

from __future__ import annotations

from services.settings import without_password
from shared.errors import Rejected, Unavailable
from shared.migrate import migrate


async def migrated(database_url: str, *, name: str = "DATABASE_URL") -> list[str]:
    """Return the migrations that ran; raise Unavailable with its *name*, URL and reason."""
    try:
        return await migrate(database_url)
    except (Rejected, Unavailable) as exc:
        raise about(name, database_url, exc) from exc


def about(name: str, url: str, exc: Exception) -> Unavailable:
    """Return *exc* with the setting, its value and the cause in one line."""
    reason = f"{exc} ({exc.__cause__})" if exc.__cause__ else str(exc)
    return Unavailable(f"{name} {without_password(url)}: {reason}")
