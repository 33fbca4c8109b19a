"""Which of a person's own mouths is shown: runs of frames that follow each other, chosen frame by frame.

The choice looks at the mouths that come and plans a path through the bank as Viterbi's algorithm does, from the mouth
that is shown now; its first step is taken, and the next frame plans anew. So a file and a live room show the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from avatarium.engine.face.pose import COMING, Floats, Mouth
from avatarium.engine.face.video.bank import Bank, unlikeness

FADE_FRAMES = 3
"""Over which one mouth gives way to another that does not follow it."""
_CANDIDATES = 20
"""Mouths that are considered for each frame that comes, besides those that go on."""
_DISCOUNT = 0.92
_FITS, _HARDLY = 3.0, 0.06
"""A mouth that gives way loses 63 % by so much worse a fit; a share below the other is none."""
_LOOK, _BESIDE, _STEP = 3.0, 0.25, 0.08
"""Weight of a change of looks, the share of it between neighbours, and what a step aside costs besides."""
_JUMP, _HASTY = 0.9, 4.0
"""What a change costs besides, each being a chance to be seen; and one while the last still fades."""
_TURN, _TURN_BY = 0.5, 0.08
"""Weight of the head's turn, and the radians that count as one."""
_OPEN_PENALTY, _OPEN = 6.0, 0.02
"""For showing a mouth that is open (IOD) where lips must touch."""
_FAR = 1e9

Mix = tuple[tuple[int, float], ...]
"""Rows of the bank and their shares, which sum to 1."""


@dataclass(slots=True)
class _Shown:
    """What was shown last."""

    row: int
    fading: int | None = None
    """The row that gives way."""
    share: float = 1.0


class Runs:
    """A walk through one bank. For one thread; poses come in their order."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._shown: _Shown | None = None
        self._last = len(bank) - 1

    def reset(self) -> None:
        """Forget what was shown: what comes does not follow it."""
        self._shown = None

    def choose(self, mouth: Floats, coming: Floats, turn: Floats, rest: int | None = None) -> Mix:
        """The rows to show now.

        Args:
            mouth: controls of this frame, ``(6,)``.
            coming: those of the next, ``(up to COMING, 6)``.
            turn: yaw, pitch and roll of the head in the frame that is to speak, ``(3,)``.
            rest: the row to go to while nothing is said; None to choose.
        """
        if rest is not None:
            return self._fitting(self._show(rest), mouth)
        wanted = [mouth, *coming[:COMING]]
        costs = self._costs(wanted, turn)
        best = np.argpartition(costs, min(_CANDIDATES, self._last), axis=1)[:, :_CANDIDATES]
        now = -1 if self._shown is None else self._shown.row
        bound = self._shown is not None and self._shown.share < 1
        row = int(_first_step(costs, np.sort(best, axis=1), now, bound, self._bank.frames, self._bank.apart))
        return self._fitting(self._show(row), mouth)

    def _fitting(self, mix: Mix, mouth: Floats) -> Mix:
        """Less of a mouth that gives way the worse it fits by now: an open one must not shine through a shut one."""
        if len(mix) < 2:
            return mix
        rows = [row for row, _ in mix]
        old, new = unlikeness(self._bank.controls[rows], mouth)
        held = mix[0][1] * float(np.exp(-max(0.0, float(old - new)) / _FITS))
        share = held / (held + mix[1][1])
        if share < _HARDLY and self._shown is not None:
            self._shown.fading, self._shown.share = None, 1.0
            return ((rows[1], 1.0),)
        return ((rows[0], share), (rows[1], 1 - share))

    def _costs(self, wanted: list[Floats], turn: Floats) -> Floats:
        """What every row costs in every frame, ``(frames, rows)``."""
        bank = self._bank
        turned = _TURN * (((bank.pose - turn) / _TURN_BY) ** 2).sum(1) + bank.blur
        costs = np.empty((len(wanted), len(bank)), np.float32)
        for k, mouth in enumerate(wanted):
            costs[k] = (unlikeness(bank.controls, mouth) + turned) * _DISCOUNT**k
            if mouth[Mouth.OPEN] <= 0:
                costs[k] += _OPEN_PENALTY * (bank.controls[:, Mouth.OPEN] > _OPEN) * _DISCOUNT**k
        return costs

    def _show(self, row: int) -> Mix:
        shown = self._shown
        if shown is None:
            self._shown = _Shown(row)
        elif abs(int(self._bank.frames[row]) - int(self._bank.frames[shown.row])) <= 2 or row == shown.row:
            shown.row = row
            self._go_on(shown)
        else:
            before = shown.row if shown.fading is None or shown.share >= 0.5 else shown.fading
            self._shown = _Shown(row, fading=self._following(before), share=1 / (FADE_FRAMES + 1))
        assert self._shown is not None
        if self._shown.fading is None or self._shown.share >= 1:
            return ((self._shown.row, 1.0),)
        return ((self._shown.fading, 1 - self._shown.share), (self._shown.row, self._shown.share))

    def _go_on(self, shown: _Shown) -> None:
        if shown.fading is None:
            return
        shown.share += 1 / (FADE_FRAMES + 1)
        shown.fading = self._following(shown.fading)
        if shown.share > 1 - 1e-6:
            shown.fading, shown.share = None, 1.0

    def _following(self, row: int) -> int:
        """The row after one, if it is of the next frame of the clip."""
        frames = self._bank.frames
        return row + 1 if row < self._last and frames[row + 1] == frames[row] + 1 else row


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _step_cost(apart, frames, a, b, bound):  # type: ignore[no-untyped-def]
    """From row ``a`` to row ``b``; ``bound`` while another still fades."""
    away = frames[b] - frames[a]
    if away == 1:
        return 0.0
    if -1 <= away <= 2:
        return _STEP + _BESIDE * _LOOK * apart[a, b]
    return _JUMP + _LOOK * apart[a, b] + (_HASTY if bound else 0.0)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _first_step(costs, best, now, bound, frames, apart):  # type: ignore[no-untyped-def]
    """First row of the cheapest path over the coming frames, from row ``now`` (-1 for none)."""
    steps, rows = costs.shape
    per = best.shape[1] + 6
    at = np.empty((steps, per), np.int64)
    for k in range(steps):
        for c in range(best.shape[1]):
            at[k, c] = best[k, c]
        for c in range(6):
            ahead = max(now, 0) + (k + 1 if c == 0 else (c - 2 if k == 0 else k + c - 2))
            at[k, best.shape[1] + c] = min(max(ahead, 0), rows - 1)
    total = np.empty(per)
    first = np.empty(per, np.int64)
    for c in range(per):
        row = at[0, c]
        total[c] = costs[0, row]
        if now >= 0:
            total[c] += _step_cost(apart, frames, now, row, bound)
        first[c] = row
    for k in range(1, steps):
        new_total = np.empty(per)
        new_first = np.empty(per, np.int64)
        for c in range(per):
            row, cheapest, came = at[k, c], 1e18, 0
            for d in range(per):
                cost = total[d] + _step_cost(apart, frames, at[k - 1, d], row, False)
                if cost < cheapest:
                    cheapest, came = cost, d
            new_total[c] = cheapest + costs[k, row]
            new_first[c] = first[came]
        total, first = new_total, new_first
    return first[np.argmin(total)]
