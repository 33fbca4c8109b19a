"""The groups of the API, by the names that A2E's documentation gives them, in its order."""

from __future__ import annotations

TOKENS = "Get Tokens"
SPEECH = "TTS and Voice Clone"
VIDEOS = "Generate Avatar Videos"
AVATARS = "Create Avatars"
BACKGROUNDS = "Background Matting and Replacement"
STREAMING = "Streaming Avatar"
TALKING_PHOTO = "Talking Photo"
DUBBING = "AI Dubbing"
CREDITS = "Credits"
MISC = "Miscellaneous"
TASKS = "Tasks"
SERVICE = "Service"
FILES = "Files"
OPENAI = "OpenAI-compatible"

GROUPS = {
    TOKENS: "Keys for programs and short-lived tokens for browsers.",
    SPEECH: "Text to speech, its voices and languages.",
    VIDEOS: "An avatar speaks your text or your recording before a background of your choice.",
    AVATARS: "The built-in avatars and your own.",
    BACKGROUNDS: "Pictures to put behind an avatar.",
    STREAMING: "An avatar that speaks live in a web page.",
    TALKING_PHOTO: "Any photo of a face says what you give it.",
    DUBBING: "The same people in the same video, speaking another language.",
    CREDITS: "What a call will cost, and what has been spent.",
    MISC: "Coins, users, uploads, watermarks.",
    TASKS: "Progress, cancelling and webhooks, for all kinds of tasks.",
    FILES: "Uploads and results, behind signed URLs.",
    OPENAI: "Speech and recognition under the paths of OpenAI's API, for its clients.",
    SERVICE: "Whether the service lives and how it does.",
}
