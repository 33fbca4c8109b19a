"""The log of webhook notices."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path

from avatarium.api.auth import HolderDep, MakerDep, PlatformDep, ReaderDep
from avatarium.api.envelope import Answer, ok
from avatarium.api.families import ID_MAX
from avatarium.api.groups import TASKS
from avatarium.api.pagination import PageNum
from avatarium.api.routing import Params, Router
from avatarium.clock import iso
from avatarium.errors import ConflictError
from avatarium.tasks import notices
from avatarium.tasks.courier import webhook_secret
from avatarium.tasks.models import Delivery

router = Router(TASKS)

DELIVERY = {
    "_id": "64f0c0ffee0000000000d101",
    "task_id": "64f0c0ffee0000000000a001",
    "event": "task.completed",
    "url": "https://app.example/hook",
    "state": "waiting",
    "attempts": 1,
    "status": 503,
    "error": "The receiver answered with 503.",
    "nextAttemptAt": "2025-01-02T03:05:05.678Z",
    "deliveredAt": "",
    "createdAt": "2025-01-02T03:04:05.678Z",
}


@router.serve(
    "GET /api/v1/webhooks/deliveries",
    title="List webhook deliveries",
    request={"pageNum": 1, "pageSize": 10},
    answer={"rows": [DELIVERY], "count": 1},
    returns=dict[str, Any],
)
def deliveries(params: Annotated[PageNum, Params], caller: ReaderDep, platform: PlatformDep) -> Answer:
    """Notices of your tasks' ends, newest first. `state` is `waiting`, `delivered` or `failed`."""
    with platform.database.read() as c:
        rows, count = notices.page(c, owner=caller.user_id, offset=params.offset, limit=params.size)
    return ok({"rows": [_view(delivery) for delivery in rows], "count": count})


@router.serve(
    "POST /api/v1/webhooks/deliveries/{_id}/replay",
    title="Deliver a notice again",
    request={},
    answer=DELIVERY | {"attempts": 0},
    returns=dict[str, Any],
    errors=(ConflictError,),
)
def replay(
    delivery_id: Annotated[str, Path(alias="_id", max_length=ID_MAX, description="The `_id` of the delivery.")],
    caller: MakerDep,
    platform: PlatformDep,
) -> Answer:
    """Send a notice again that was delivered or given up, with as many attempts as a new one."""
    with platform.database.write() as c:
        delivery = notices.replay(c, delivery_id, owner=caller.user_id, now_ms=platform.clock.now_ms())
    return ok(_view(delivery))


@router.serve(
    "GET /api/v1/webhooks/secret",
    title="The key that signs your notices",
    answer={"secret": "whsec_..."},
    returns=dict[str, str],
)
def secret(caller: HolderDep, platform: PlatformDep) -> Answer:
    """With it you check `X-Avatarium-Signature: t=<seconds>,v1=<hex>`: v1 is the HMAC-SHA256 of `<seconds>.<body>`."""
    return ok({"secret": webhook_secret(platform.secret, caller.user_id)})


def _view(delivery: Delivery) -> dict[str, Any]:
    done = "delivered" if delivery.delivered_ms is not None else "failed"
    return {
        "_id": delivery.id,
        "task_id": delivery.task_id,
        "event": delivery.event,
        "url": delivery.url,
        "state": done if delivery.next_ms is None else "waiting",
        "attempts": delivery.attempts,
        "status": delivery.status,
        "error": delivery.error,
        "nextAttemptAt": "" if delivery.next_ms is None else iso(delivery.next_ms),
        "deliveredAt": "" if delivery.delivered_ms is None else iso(delivery.delivered_ms),
        "createdAt": iso(delivery.created_ms),
    }
