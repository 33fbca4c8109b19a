"""Pages of lists, as each group of the API counts them. Use as ``Annotated[PageNum, Params]`` or inherit from them.

Numbers may come as texts of digits. More than :data:`MAX_SIZE` entries at once are taken as :data:`MAX_SIZE`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

MAX_SIZE = 100
MAX_NUMBER = 10**9

_Number = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
_Size = Annotated[int, Field(ge=1, le=MAX_NUMBER), AfterValidator(lambda size: min(size, MAX_SIZE))]


class Page(BaseModel, ABC):
    """Which part of a list."""

    model_config = ConfigDict(populate_by_name=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _blank_is_missing(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None and value != ""}

    @property
    @abstractmethod
    def number(self) -> int:
        """From 1."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Entries on a page, at most :data:`MAX_SIZE`."""

    @property
    def offset(self) -> int:
        """Entries before this page."""
        return (self.number - 1) * self.size


class PageNum(Page):
    """``pageNum`` and ``pageSize``, 10 at a time: the task groups and records."""

    page_num: _Number = Field(1, alias="pageNum", description="Page, from 1.")
    page_size: _Size = Field(10, alias="pageSize", description="Entries on a page, at most 100.")

    @property
    def number(self) -> int:
        return self.page_num

    @property
    def size(self) -> int:
        return self.page_size


class CurrentPage(Page):
    """``current`` and ``pageSize``, 20 at a time: ``video/awsList`` and ``tts/preview/list``."""

    current: _Number = Field(1, description="Page, from 1.")
    page_size: _Size = Field(20, alias="pageSize", description="Entries on a page, at most 100.")

    @property
    def number(self) -> int:
        return self.current

    @property
    def size(self) -> int:
        return self.page_size


class PlainPage(Page):
    """``page`` and ``page_size``, 20 at a time: the newer ``.../list`` calls."""

    page: _Number = Field(1, description="Page, from 1.")
    page_size: _Size = Field(20, description="Entries on a page, at most 100.")

    @property
    def number(self) -> int:
        return self.page

    @property
    def size(self) -> int:
        return self.page_size
