"""A viewer's microphone over WebRTC: Opus in, pieces of float32 out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
from aiortc import RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpDecodingParameters, RTCRtpHeaderExtensionParameters, RTCRtpReceiveParameters
from aiortc.rtcrtpreceiver import RemoteStreamTrack
from av import AudioFrame
from numpy.typing import NDArray

from avatarium.streaming.transports.sdp import MID_URI, Section, codecs_of

Heard = Callable[[NDArray[np.float32], int], None]


class Microphone:
    """Receives and decodes; each piece goes to ``heard`` in the thread of the event loop."""

    def __init__(self, section: Section, dtls: RTCDtlsTransport, heard: Heard) -> None:
        self._section = section
        self._heard = heard
        self._receiver = RTCRtpReceiver("audio", dtls)
        self._track = RemoteStreamTrack(kind="audio")
        self._receiver._track = self._track
        self._task: asyncio.Task[None] | None = None

    async def start(self, own_ssrc: int) -> None:
        """Begin; ``own_ssrc`` signs the reports to the viewer."""
        # RED is for sending only: nothing here unpacks it.
        codecs = [codec for codec in codecs_of(self._section) if codec.name.lower() == "opus"]
        number = self._section.extension(MID_URI)
        self._receiver._set_rtcp_ssrc(own_ssrc)
        await self._receiver.receive(
            RTCRtpReceiveParameters(
                codecs=codecs,
                headerExtensions=[RTCRtpHeaderExtensionParameters(id=number, uri=MID_URI)] if number else [],
                muxId=self._section.mid,
                encodings=[
                    RTCRtpDecodingParameters(ssrc=known.ssrc, payloadType=codecs[0].payloadType or 0)
                    for known in self._section.media.ssrc[:1]
                ],
            )
        )
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        while True:
            try:
                frame = await self._track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, AudioFrame):
                self._heard(mono(frame), frame.sample_rate)

    async def close(self) -> None:
        """Stop the decoder's thread and the task."""
        await self._receiver.stop()
        self._track.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def mono(frame: AudioFrame) -> NDArray[np.float32]:
    """Samples of a decoded s16 frame as float32, channels averaged."""
    samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
    averaged: NDArray[np.float32] = samples.mean(axis=1, dtype=np.float32) / np.float32(32768.0)
    return averaged
