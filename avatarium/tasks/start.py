"""What every call that starts a task takes."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

WEBHOOK_URL_MAX = 2048
WEBHOOK_TOKEN_MAX = 256


class StartModel(BaseModel):
    """What every start call takes. Fields that nobody knows are ignored, as clients send many."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, frozen=True, populate_by_name=True)

    webhook_url: str = Field("", max_length=WEBHOOK_URL_MAX, description="Told when the task ends.")
    webhook_token: str = Field(
        "", max_length=WEBHOOK_TOKEN_MAX, description="Sent back in the header `X-A2e-Webhook-Token`."
    )


Start = TypeVar("Start", bound=StartModel)
