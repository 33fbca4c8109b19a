"""What things cost, in one place. Installations change single prices by the setting ``prices``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from avatarium.errors import OptionError

COINS_PER_DIAMOND = 100


class Unit(StrEnum):
    """What is paid with."""

    COIN = "coin"
    DIAMOND = "diamond"


@dataclass(frozen=True, slots=True)
class Price:
    """A whole number of coins or diamonds."""

    amount: int
    unit: Unit = Unit.COIN

    @property
    def coins(self) -> int:
        """Its worth in coins."""
        return self.amount * (COINS_PER_DIAMOND if self.unit is Unit.DIAMOND else 1)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the price list."""

    amount: float
    per: str
    """What one ``amount`` buys."""
    unit: Unit = Unit.COIN


PRICE_LIST: dict[str, Item] = {
    "speech": Item(1, "200 characters of text, begun"),
    "transcription": Item(1, "minute of a recording transcribed, begun"),
    "video": Item(1, "second of avatar video, begun"),
    "talking_photo": Item(2.6, "second of talking photo"),
    "live": Item(1, "5 seconds of a live room, begun"),
    "watermark": Item(1, "picture or video"),
    "twin_picture": Item(1, "avatar made from a picture", Unit.DIAMOND),
    "twin_video": Item(0, "avatar made from a video", Unit.DIAMOND),
    "dubbing": Item(30, "minute of dubbed video or sound, begun"),
    "dubbing_again": Item(10, "minute of a dubbing that is rendered anew, begun"),
    "lip_model": Item(1, "personal lip-sync model", Unit.DIAMOND),
    "voice_clone": Item(1, "cloned voice", Unit.DIAMOND),
}


class Prices:
    """The price list with the changes of this installation.

    Raises:
        OptionError: a change names no item of the list, or is no price.
    """

    def __init__(self, changes: Mapping[str, float] | None = None) -> None:
        self._amounts = {name: item.amount for name, item in PRICE_LIST.items()}
        for name, amount in (changes or {}).items():
            if name not in PRICE_LIST:
                raise OptionError(
                    f"There is no price called {name!r}. Choose from {', '.join(PRICE_LIST)}.", code="unknown_price"
                )
            if not (math.isfinite(amount) and amount >= 0):
                raise OptionError(f"The price {name!r} must be a number from 0 on.", code="bad_price")
            self._amounts[name] = amount

    def of(self, name: str, quantity: float = 1) -> Price:
        """The price of a quantity, rounded up to whole coins; what is cut off by rounding errors is not charged."""
        return Price(math.ceil(round(self._amounts[name] * quantity, 6)), PRICE_LIST[name].unit)

    def __getitem__(self, name: str) -> float:
        return self._amounts[name]
