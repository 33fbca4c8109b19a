"""Which language a text is written in."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, field_validator

from avatarium.api.auth import ReaderDep
from avatarium.api.envelope import Answer, ok
from avatarium.api.groups import VIDEOS
from avatarium.api.routing import Params, Router

router = Router(VIDEOS)

LONGEST = 100_000


class Text(BaseModel):
    """A text."""

    msg: str = Field(max_length=LONGEST, description="The text to classify.")

    @field_validator("msg")
    @classmethod
    def _says_something(cls, msg: str) -> str:
        if not msg.strip():
            raise ValueError("`msg` is empty. Give the text to classify.")
        return msg


@router.serve(
    "POST /api/v1/video/lang_classify",
    title="Auto Language Detect",
    request={"msg": "Good morning, everybody."},
    answer="en",
    returns=str,
)
def lang_classify(params: Annotated[Text, Params], caller: ReaderDep) -> Answer:
    """The language that most of the text is written in, as a code such as ``en``, ``zh`` or ``pt``."""
    # The module is light; its model (0.4 s, once) is loaded by the first text whose script does not tell.
    from avatarium.engine.speech.language import guess_language

    return ok(guess_language(params.msg).code)
