"""Errors as a stage tells them to the API."""

from __future__ import annotations

from avatarium.errors import AssetError, AvatariumError, InputError, ServiceError, StalledError
from avatarium.streaming.wire import Refusal

AWAY_RETRY_S = 5.0


def refusal_of(error: AvatariumError) -> Refusal:
    """An error as the API repeats it."""
    if isinstance(error, ServiceError):
        return Refusal(status=error.status, reason=error.code, message=error.message, retry_after_s=error.retry_after_s)
    if isinstance(error, InputError):
        return Refusal(status=400, reason=error.code, message=error.message)
    away = isinstance(error, AssetError | StalledError)
    return Refusal(
        status=503 if away else 500,
        reason=error.code,
        message=error.message,
        retry_after_s=AWAY_RETRY_S if away else None,
    )
