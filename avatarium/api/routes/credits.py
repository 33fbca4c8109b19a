"""Credits: what has been given and spent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from avatarium.accounts import ledger
from avatarium.accounts.models import LedgerEntry
from avatarium.api.auth import PlatformDep, ReaderDep
from avatarium.api.envelope import Answer, ok
from avatarium.api.groups import CREDITS
from avatarium.api.instants import instant_ms
from avatarium.api.pagination import PageNum
from avatarium.api.routing import Params, Router
from avatarium.clock import iso

router = Router(CREDITS)


def _instant(text: str) -> str:
    instant_ms(text)
    return text


class History(PageNum):
    """Which movements."""

    is_consumption: bool | None = Field(None, description="true: only what was spent; false: only what was given.")
    start_date: Annotated[str | None, AfterValidator(lambda text: text and _instant(text))] = Field(
        None, alias="startDate", max_length=40, description="From this time or day on, such as 2025-01-02."
    )
    end_date: Annotated[str | None, AfterValidator(lambda text: text and _instant(text))] = Field(
        None, alias="endDate", max_length=40, description="Up to and with this time or day."
    )


@router.serve(
    "GET /api/v1/transactionRecord/creditsHistory",
    title="Coin movements",
    request={"pageNum": 1, "pageSize": 10, "is_consumption": True, "startDate": "2025-01-01"},
    answer={
        "rows": [
            {
                "_id": "42",
                "amount": -12,
                "unit": "coin",
                "type": "hold",
                "is_consumption": True,
                "description": "talkingPhoto",
                "task_id": "64f0c0ffee0000000000a001",
                "createdAt": "2025-01-02T03:04:05.678Z",
            }
        ],
        "count": 1,
    },
    returns=dict[str, Any],
)
def history(params: Annotated[History, Params], caller: ReaderDep, platform: PlatformDep) -> Answer:
    """Movements of coins and diamonds, newest first. A negative amount was spent, a positive one given.

    A task holds its price when it starts (``hold``); what it did not use comes back when it ends (``settle``), all of
    it when it fails (``refund``).
    """
    with platform.database.read() as c:
        rows, count = ledger.history(
            c,
            caller.user_id,
            consumption=params.is_consumption,
            since_ms=instant_ms(params.start_date) if params.start_date else None,
            until_ms=instant_ms(params.end_date, end=True) if params.end_date else None,
            offset=params.offset,
            limit=params.size,
        )
    return ok({"rows": [_view(entry) for entry in rows], "count": count})


def _view(entry: LedgerEntry) -> dict[str, object]:
    return {
        "_id": str(entry.id),
        "amount": entry.delta,
        "unit": entry.unit,
        "type": entry.kind,
        "is_consumption": entry.delta < 0,
        "description": entry.note,
        "task_id": entry.subject,
        "createdAt": iso(entry.created_ms),
    }
