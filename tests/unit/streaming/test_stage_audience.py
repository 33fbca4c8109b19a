"""Who watches, what is sent, and at which rate."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

from avatarium.engine.live import Painter
from avatarium.errors import BusyError, NotFoundError
from avatarium.settings import Settings
from avatarium.streaming.stage.audience import (
    LOSSY_S,
    SOUND_BITRATE,
    START_BITRATE,
    VIEWERS_MAX,
    Audience,
    name_of,
)
from avatarium.streaming.stage.show import TICK_S, Show
from tests.support.live_rooms import FlatFace, KeepingViewer, in_loop, make_show


def hall(*, recording: bool = False) -> tuple[Show, Audience]:
    show = make_show()
    show.set_painter(Painter(FlatFace()))
    return show, Audience(show, Settings(live_bitrate_min=120_000, live_bitrate_max=2_000_000), recording=recording)


def joined(audience: Audience, viewer: KeepingViewer) -> KeepingViewer:
    audience.add(viewer)
    viewer.connected = True
    audience.look()
    return viewer


@in_loop
async def test_each_gets_the_pictures_of_its_codec_and_all_get_the_sound() -> None:
    show, audience = hall()
    one, two = joined(audience, KeepingViewer("h264")), joined(audience, KeepingViewer("vp8"))
    deaf = joined(audience, KeepingViewer(""))
    waiting = KeepingViewer()
    audience.add(waiting)
    beat = show.make(TICK_S, late=False)
    audience.send(beat)
    assert one.pictures == [beat.pictures["h264"]] and two.pictures == [beat.pictures["vp8"]]
    assert one.sounds == two.sounds == deaf.sounds == list(beat.sounds) and deaf.pictures == []
    assert waiting.pictures == [] and waiting.sounds == []
    assert one.pictures[0] is beat.pictures["h264"], "coded once for all"


@in_loop
async def test_encoders_follow_who_is_there() -> None:
    show, audience = hall()
    one, two = joined(audience, KeepingViewer("h264")), joined(audience, KeepingViewer("vp8"))
    show.make(0, late=False)
    assert show.encoders == ["h264", "vp8"]
    audience.remove(two)
    show.make(0, late=False)
    assert show.encoders == ["h264"]
    audience.remove(one)
    assert show.make(0, late=False).sounds == ()
    await audience.close()
    assert one.closed and two.closed


@in_loop
async def test_a_recording_goes_on_while_a_viewer_is_away() -> None:
    show, audience = hall(recording=True)
    audience.look()
    assert not show.make(0, late=False).pictures, "it begins with the first viewer"
    viewer = joined(audience, KeepingViewer("vp8"))
    audience.remove(viewer)
    beat = show.make(0, late=False)
    assert set(beat.pictures) == {"h264"} and beat.sounds
    await audience.close()


@pytest.mark.parametrize(
    ("estimates", "expected"),
    [
        ([None], START_BITRATE),
        ([None, None], START_BITRATE),
        ([600_000], 600_000 - SOUND_BITRATE),
        ([900_000, 500_000, None], 500_000 - SOUND_BITRATE),
        ([10_000], 120_000),
    ],
)
@in_loop
async def test_the_weakest_decides(estimates: list[int | None], expected: int) -> None:
    show, audience = hall()
    show.bitrate = START_BITRATE
    for estimate in estimates:
        joined(audience, KeepingViewer()).estimated_bitrate = estimate
    audience.adapt()
    assert show.bitrate == expected


@in_loop
async def test_down_at_once_and_up_slowly() -> None:
    show, audience = hall()
    show.bitrate = 1_000_000
    viewer = joined(audience, KeepingViewer())
    viewer.estimated_bitrate = 300_000
    audience.adapt()
    low = show.bitrate
    assert low == 300_000 - SOUND_BITRATE
    viewer.estimated_bitrate = 50_000_000
    rates = []
    for _ in range(30):
        audience.adapt()
        rates.append(show.bitrate)
    assert rates[0] < 1.2 * low and rates[-1] == 2_000_000
    assert np.all(np.diff(rates) >= 0)


@pytest.mark.parametrize(
    ("estimate", "loss", "thin"), [(200_000, 0.0, True), (600_000, 0.2, True), (600_000, 0.05, False)]
)
@in_loop
async def test_pictures_are_thinned_where_little_gets_through(estimate: int, loss: float, thin: bool) -> None:
    show, audience = hall()
    viewer = joined(audience, KeepingViewer())
    viewer.estimated_bitrate, viewer.loss = estimate, loss
    audience.adapt()
    assert show.thin is thin


@in_loop
async def test_a_room_has_a_largest_audience() -> None:
    _, audience = hall()
    for _ in range(VIEWERS_MAX):
        audience.check_room()
        audience.add(KeepingViewer())
    with pytest.raises(BusyError, match=f"{VIEWERS_MAX} viewers"):
        audience.check_room()


@in_loop
async def test_places_are_kept_for_those_whose_offers_are_being_answered() -> None:
    _, audience = hall()
    for _ in range(VIEWERS_MAX - 1):
        audience.add(KeepingViewer())
    with audience.expect(), pytest.raises(BusyError), audience.expect():
        raise AssertionError
    with suppress(ValueError), audience.expect():
        raise ValueError("a bad offer")
    audience.check_room()


@in_loop
async def test_a_viewer_that_is_not_there() -> None:
    _, audience = hall()
    with pytest.raises(NotFoundError):
        audience.find("nobody")


@in_loop
async def test_a_viewer_that_cannot_be_closed_does_not_keep_the_others() -> None:
    class Stuck(KeepingViewer):
        async def close(self) -> None:
            raise RuntimeError("stuck")

    _, audience = hall()
    stuck, good = joined(audience, Stuck()), joined(audience, KeepingViewer())
    await audience.close()
    assert good.closed and not audience.has(stuck)


@in_loop
async def test_viewers_are_told_how_it_ended_and_not_what_it_cost() -> None:
    _, audience = hall()
    viewer = joined(audience, KeepingViewer())
    why = (
        "You left the room. 13.5 seconds with a viewer make 3 begun units of 5 seconds at 1 each: 3 coins; 9 were back."
    )
    event = {"number": 4, "type": "ended", "reason": "left", "held": 12, "charged": 3, "refunded": 9, "why": why}
    audience.tell(event | {"recording_key": "live/1.mp4", "room_id": "r1", "used_s": 13.5})
    assert viewer.events == [
        {"number": 4, "type": "ended", "reason": "left", "used_s": 13.5, "why": "You left the room."}
    ]


@in_loop
async def test_what_others_are_told_of_a_viewer_does_not_end_his_connection() -> None:
    _, audience = hall()
    viewer = joined(audience, KeepingViewer())
    (described,) = audience.described()
    assert described["id"] == name_of(viewer) != viewer.id
    with pytest.raises(NotFoundError):
        audience.find(described["id"])
    assert audience.find(viewer.id) is viewer


@in_loop
async def test_sound_bears_loss_while_some_is_reported_and_for_a_while_after() -> None:
    show, audience = hall()
    one, two = joined(audience, KeepingViewer()), joined(audience, KeepingViewer())
    audience.adapt()
    assert not show.lossy
    two.loss = 0.02
    audience.adapt()
    assert show.lossy and not one.loss
    two.loss = 0.0
    for _ in range(LOSSY_S - 1):
        audience.adapt()
        assert show.lossy
    audience.adapt()
    assert not show.lossy
    await audience.close()
