"""The process of a stage: everything opened, warmed up, put on the roll, served, and given back in reverse."""

from __future__ import annotations

import asyncio
import gc
import shutil
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from avatarium.errors import AvatariumError
from avatarium.platform import Platform
from avatarium.secret import derive
from avatarium.streaming.brain import BrainMaker, open_brain
from avatarium.streaming.ears import EarKit
from avatarium.streaming.guard import STAGE_LOCKS, Guard
from avatarium.streaming.stage.capacity import guessed, measure
from avatarium.streaming.stage.kit import Kit
from avatarium.streaming.stage.pacemaker import Pacemaker
from avatarium.streaming.stage.pictures import Look, Looks
from avatarium.streaming.stage.pools import Pools, run_in
from avatarium.streaming.stage.recorder import Archive
from avatarium.streaming.stage.roll import Roll
from avatarium.streaming.stage.server import create_control
from avatarium.streaming.stage.serving import address_of, control_server, listen
from avatarium.streaming.stage.slow import SlowSpeech
from avatarium.streaming.stage.stage import Errands, Stage
from avatarium.streaming.stage.watchdog import Watchdog, end_process
from avatarium.streaming.transports.ice import IceSettings
from avatarium.streaming.transports.trial import Trials
from avatarium.streaming.wire import CONTROL
from avatarium.tasks.liveness import FileLocks, Locks, find_free, open_locks

if TYPE_CHECKING:
    from avatarium.engine.live import PictureEncoder
    from avatarium.engine.video.framing import Size

SCRATCH = "scratch"
FOLDER = "stage-"
"""What the name of a stage's folder begins with; its id follows."""
FOLDER_LOCKS = "stages"
"""Of the folders, in the same place, whatever the database is: who holds one lives, on this machine."""
SWITCH_S = 0.001
"""Between threads of Python: the pacemaker must not wait for the event loop for the usual five milliseconds."""
ERRANDS_S, GOODBYE_S = 1.5, 1.0
STANDARD = 512
"""Resolution for which capacity is told."""
WARM_AVATARS = ("ava", "noah")
WARM_VOICES = ("hibari-ava", "hibari-noah")
MB = 1 << 20
log = structlog.get_logger()


class StageProcess:
    """One stage, from its start to its end.

    Args:
        platform: the installation.
        on_hung: called from another thread where the stage hangs; ends the process unless given.
    """

    def __init__(self, platform: Platform, on_hung: Callable[[], None] = end_process) -> None:
        self._platform = platform
        self._on_hung = on_hung
        self._settings = platform.settings
        self.stage_id = f"{socket.gethostname()[:64]}-{uuid4().hex[:12]}"
        self.address = ""
        """Of its control server, once it is ready."""
        self.ready = asyncio.Event()
        """It takes rooms."""
        self.warm = asyncio.Event()
        """It has loaded what they need, and knows how many it can hold."""
        self.stage: Stage | None = None
        self._scratch = platform.settings.home / SCRATCH / f"{FOLDER}{self.stage_id}"
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Let :meth:`run` return; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def run(self) -> None:
        """Serve until :meth:`stop` is called, or until the stage is taken for dead for good.

        Raises:
            AvatariumError: it cannot begin.
        """
        self._loop = asyncio.get_running_loop()
        pools, errands, pacemaker = Pools.open(), Errands(), Pacemaker()
        brains, ears, slow = open_brain(self._settings), EarKit(), SlowSpeech()
        owned = FileLocks(self._scratch.parent / FOLDER_LOCKS)
        pacemaker.start()
        watchdog = Watchdog(self._loop, pacemaker, self._on_hung)
        watchdog.start()
        try:
            owned.take(self.stage_id)
            await run_in(pools.storing, partial(_remove_left, self._scratch.parent, owned))
            await run_in(pools.storing, _load_libraries)
            kit = self._kit(pools, errands, pacemaker, brains, ears, slow)
            self.stage = Stage(kit, guessed(self._settings.live_share))
            await self._serve(kit, self.stage, errands)
            await kit.looks.close()
        finally:
            watchdog.stop()
            await ears.aclose()
            await brains.aclose()
            await slow.close()
            await run_in(pools.books, pacemaker.stop)
            await run_in(pools.books, partial(shutil.rmtree, self._scratch, ignore_errors=True))
            owned.close()
            pools.close()

    async def _serve(self, kit: Kit, stage: Stage, errands: Errands) -> None:
        platform, listener = self._platform, listen(self._settings.stage_host)
        self.address = address_of(listener)
        key = derive(platform.secret, CONTROL).hex()
        ice = IceSettings.of(self._settings)
        trials = Trials(ice, clock=platform.clock)
        server = control_server(create_control(stage, key=key, ice=ice, trials=trials))
        locks = open_locks(platform.database, self._settings.home / STAGE_LOCKS)
        roll = Roll(platform.rooms, locks, stage, address=self.address, clock=platform.clock)
        guard = Guard(platform.database, platform.rooms, locks, platform.clock, platform.settings)
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="control")
        tasks = [serving]
        try:
            await run_in(kit.pools.roll, roll.enter)
            await run_in(kit.pools.books, guard.look)
            tasks.append(asyncio.create_task(stage.look_after(), name="look after"))
            tasks.append(asyncio.create_task(roll.keep(kit.pools), name="roll"))
            # Rooms may come while this goes on: whoever wants one just now waits a little longer instead of in vain.
            warming = errands.spawn(self._warm_up(kit, stage))
            log.info("stage_ready", stage=self.stage_id, address=self.address)
            self.ready.set()
            await self._until_stopped(tasks)
            stage.draining = True
            warming.cancel()
            await run_in(kit.pools.roll, roll.note_draining)
            await stage.stop()
            await trials.close()
            await errands.close(ERRANDS_S)
        finally:
            server.should_exit = True
            for task in tasks[1:]:
                task.cancel()
            await asyncio.wait(tasks, timeout=GOODBYE_S)
            await run_in(kit.pools.roll, roll.leave)
            listener.close()

    async def _until_stopped(self, tasks: list[asyncio.Task[None]]) -> None:
        waiting = asyncio.create_task(self._stopping.wait())
        done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for task in tasks:
            if task in done:
                log.error("stage_gives_up", task=task.get_name(), exc_info=task.exception())

    def _kit(
        self,
        pools: Pools,
        errands: Errands,
        pacemaker: Pacemaker,
        brains: BrainMaker,
        ears: EarKit,
        slow: SlowSpeech,
    ) -> Kit:
        from avatarium.engine.live import HeardSound, IdleFrames

        platform, settings = self._platform, self._settings
        idle = IdleFrames(settings.live_memory_mb * MB) if settings.live_memory_mb else None
        return Kit(
            stage_id=self.stage_id,
            settings=settings,
            clock=platform.clock,
            books=platform.rooms,
            pools=pools,
            pacemaker=pacemaker,
            looks=Looks(platform.storage, pools, self._scratch, idle),
            slow=slow,
            storage=platform.storage,
            brains=brains,
            ears=ears,
            fetcher=platform.fetcher,
            archive=Archive(platform=platform, note=platform.rooms.note_recording),
            encoders=make_encoder,
            listen=HeardSound,
            scratch=self._scratch,
            spawn=errands.spawn,
        )

    async def _warm_up(self, kit: Kit, stage: Stage) -> None:
        """Measure, and load what the first room needs, in a thread that gives way to whoever waits for something."""
        began_s = time.monotonic()
        try:
            view = await kit.looks.view(_shipped(WARM_AVATARS[0], STANDARD))
            stage.capacity = await run_in(kit.pools.loading, partial(measure, view, self._settings.live_share))
            if self._settings.warm_up:
                for name in WARM_AVATARS:
                    await kit.looks.view(_shipped(name, self._settings.live_resolution))
                await run_in(kit.pools.loading, _warm_voices)
        except AvatariumError as problem:
            log.warning("stage_not_warm", reason=problem.message)  # the first room says so where it matters
        # What is loaded by now stays: a collection that went through all of it would take a tick.
        gc.collect()
        gc.freeze()
        self.warm.set()
        log.info("stage_warm", seconds=round(time.monotonic() - began_s, 1), **stage.capacity.as_json())


def run(platform: Platform, on_stop: Callable[[Callable[[], None]], None]) -> None:
    """Be a stage until a signal says to stop. The process must end then, by :func:`os._exit`.

    Args:
        platform: the installation.
        on_stop: given what is to be called at a signal.

    Raises:
        AvatariumError: it cannot begin.
    """
    sys.setswitchinterval(SWITCH_S)
    use_one_thread()

    async def main() -> None:
        process = StageProcess(platform)
        on_stop(process.stop)
        await process.run()

    asyncio.run(main())


def make_encoder(codec: str, size: Size, bitrate: int) -> PictureEncoder:
    """An encoder of a codec: ``h264`` or ``vp8``."""
    from avatarium.engine.live import H264Encoder, Vp8Encoder

    return Vp8Encoder(size, bitrate) if codec == "vp8" else H264Encoder(size, bitrate)


def _shipped(name: str, resolution: int) -> Look:
    return Look(source=name, picture_key="", resolution=resolution)


def use_one_thread() -> None:
    """A stage has one core; threads of OpenCV beside it would only take it from the others."""
    import cv2

    cv2.setNumThreads(1)


def _load_libraries() -> None:
    """What the event loop would otherwise stand still for, when the first room or viewer comes."""
    from avatarium.engine.live import H264Encoder, OpusEncoder, Painter, Performer
    from avatarium.engine.speech import stream

    log.debug("loaded", parts=[part.__name__ for part in (H264Encoder, OpusEncoder, Painter, Performer, stream)])


def _warm_voices() -> None:
    from avatarium.engine.speech import warm_up

    for voice in WARM_VOICES:
        warm_up(voice)


def _remove_left(folder: Path, owned: Locks) -> None:
    """Remove the folders of stages that died. A stage holds its lock before it makes its folder."""
    left = {path.name.removeprefix(FOLDER): path for path in folder.glob(f"{FOLDER}*")}
    for stage_id in find_free(owned, left):
        shutil.rmtree(left[stage_id], ignore_errors=True)
