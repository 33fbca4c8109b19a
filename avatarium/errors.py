"""The one exception tree.

    AvatariumError
    ├── InputError              what was given cannot be used; the message says why and what to do
    │   ├── PictureError
    │   │   └── FaceError       the picture is fine, the face in it is not
    │   ├── TextError
    │   ├── AudioError
    │   └── OptionError         a voice, size, rate, emotion or other choice that does not exist
    ├── OutputError             the result cannot be written
    ├── AssetError              a model file is missing, corrupt or cannot be fetched
    └── StalledError            a step that should have answered did not

Every message is one sentence or two for the person who made the call: what is wrong, then what to do. ``code`` names
the case for programs and never changes; ``exit_code`` is what the command line leaves with.
"""

from __future__ import annotations


class AvatariumError(Exception):
    """Root of every error that a caller may want to catch.

    Args:
        message: what is wrong and what to do, in words for the person who made the call.
        code: the case, in ``snake_case``, for programs.
    """

    exit_code = 1

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class InputError(AvatariumError):
    """What was given cannot be used."""

    exit_code = 2


class PictureError(InputError):
    """The picture cannot be read or used."""

    exit_code = 3


class FaceError(PictureError):
    """The picture holds no face that can be made to speak."""

    exit_code = 4


class TextError(InputError):
    """The text cannot be spoken."""

    exit_code = 5


class AudioError(InputError):
    """The sound cannot be read, or nothing in it speaks."""

    exit_code = 6


class OptionError(InputError):
    """A choice that does not exist."""

    exit_code = 2


class OutputError(AvatariumError):
    """The result cannot be written."""

    exit_code = 7


class AssetError(AvatariumError):
    """A model file is missing, corrupt or cannot be fetched."""

    exit_code = 8


class StalledError(AvatariumError):
    """A step that should have answered did not; the work was given up."""

    exit_code = 9
