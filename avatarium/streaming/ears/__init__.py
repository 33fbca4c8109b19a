"""What hears the microphones of viewers.

    kit = EarKit()                                                # one for a stage
    listener = kit.listener(on_event, language="en-US")           # one for a microphone
    listener.hear(pcm, rate)                                      # float32 mono, any rate, 10-60 ms at a time
    listener.played(tick.sound)                                   # what the avatar says, each tick, silence too
    await listener.aclose()
    await kit.aclose()

``SPEECH_STARTED`` is the moment to interrupt the avatar: at least 0.2 s of sure speech, or 0.3 to 0.5 s of surer and
louder speech while the avatar speaks, that is not the avatar's own voice. After 0.6 s of silence the utterance is
written down by Whisper in a thread (``TRANSCRIPT``, or ``NOISE``). Utterances last 29 s at most; what cannot be kept
up with is dropped and said to be. Browsers' echo cancellation is needed all the same: a loudspeaker that fills the
microphone does not interrupt the avatar, but it drowns the viewer.
"""

from __future__ import annotations

from avatarium.streaming.ears.listener import EarKit, Listener
from avatarium.streaming.ears.records import EarEvent, EarKind

__all__ = ["EarEvent", "EarKind", "EarKit", "Listener"]
