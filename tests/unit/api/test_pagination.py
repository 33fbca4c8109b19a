"""Pages of lists."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from avatarium.api.instants import instant_ms
from avatarium.api.pagination import CurrentPage, Page, PageNum, PlainPage


@pytest.mark.parametrize(
    ("page", "given", "offset", "size"),
    [
        (PageNum, {}, 0, 10),
        (PageNum, {"pageNum": "3", "pageSize": "20"}, 40, 20),
        (PageNum, {"pageNum": "", "pageSize": None}, 0, 10),
        (PageNum, {"pageSize": 5000}, 0, 100),
        (CurrentPage, {}, 0, 20),
        (CurrentPage, {"current": 2, "pageSize": 7, "other": 1}, 7, 7),
        (PlainPage, {"page": 2}, 20, 20),
        (PlainPage, {"page": 3, "page_size": "5"}, 10, 5),
    ],
)
def test_each_style_counts_as_documented(page: type[Page], given: dict[str, object], offset: int, size: int) -> None:
    asked = page.model_validate(given)
    assert (asked.offset, asked.size) == (offset, size)


@pytest.mark.parametrize(
    "given", [{"pageNum": 0}, {"pageNum": -1}, {"pageSize": 0}, {"pageNum": "x"}, {"pageNum": 1e30}]
)
def test_pages_that_cannot_be_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PageNum.model_validate(given)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T00:00:01.5+00:00", 1500),
        ("1970-01-01T01:00:00 01:00", 0),
        ("1970-01-01T00:00:01", 1000),
        ("1970-01-02", 86_400_000),
    ],
)
def test_instants_come_in_several_forms(text: str, ms: int) -> None:
    assert instant_ms(text) == ms


def test_the_last_day_of_a_range_is_in_it() -> None:
    assert instant_ms("1970-01-01", end=True) == 86_400_000 - 1
    assert instant_ms("1970-01-01T00:00:00Z", end=True) == 0


@pytest.mark.parametrize("text", ["", "soon", "2025-13-01", "99999-01-01", "1"])
def test_other_texts_are_no_instants(text: str) -> None:
    with pytest.raises(ValueError, match="must be a time"):
        instant_ms(text)
