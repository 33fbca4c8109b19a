"""How a room and a stage are, in plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avatarium.streaming.stage.room import StageRoom
    from avatarium.streaming.stage.stage import Stage


def state_of(room: StageRoom) -> dict[str, Any]:
    """One room."""
    show, pace, now_ms = room.show, room.pace, room.now_ms
    return {
        "room_id": room.spec.room_id,
        "channel": room.spec.channel,
        "state": "ended" if room.ended else "live" if room.lifetime.joined_ms else "booked",
        "seconds_left": round(room.lifetime.left_s(now_ms), 1),
        "has_picture": show.has_picture,
        "media_ms": room.media_ms,
        "viewers": room.audience.described(),
        "queue": [
            {"command_id": one.command_id, "text": one.text, "started": one.started} for one in room.director.queue
        ],
        "waits_s": round(room.director.waits_s, 2),
        "speaking": show.performer.speaking,
        "listening": show.performer.listening,
        "microphone": room.hearing.on,
        "generation": room.director.generation,
        "events": room.events.number,
        "fps": room.rates.fps,
        "late_ticks": sum(late > 0 for late in pace.lateness) if pace else 0,
        "late_share": round(pace.late_share, 3) if pace else 0.0,
        "ready_ms": {name: pace.lateness_ms(share) for name, share in _SHARES} if pace else {},
        "pictures_left_out": show.skipped,
        "bitrate": show.bitrate,
        "thin": show.thin,
        "encoder": ",".join(show.encoders),
        "cpu": room.rates.cpu,
        "recording": room.spec.record,
    }


_SHARES = (("p50", 0.5), ("p95", 0.95), ("max", 1.0))


def status_of(stage: Stage) -> dict[str, Any]:
    """One stage."""
    return {
        "stage_id": stage.stage_id,
        "draining": stage.draining,
        "places": stage.capacity.places,
        "taken": round(stage.taken, 3),
        "capacity": stage.capacity.as_json(),
        "load": round(stage.load, 3),
        "late": round(stage.late, 3),
        "rooms": [room.spec.room_id for room in stage.rooms],
    }
