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
    ├── StalledError            a step that should have answered did not
    └── ServiceError            a request to the service is refused; ``status`` is the HTTP status that says so
        ├── RequestError        400  the request itself is wrong
        ├── AuthError           401  no key, or one that does not open anything
        ├── TooFewCoinsError    402
        ├── ForbiddenError      403  the key is good but not for this
        ├── NotFoundError       404  not there, or somebody else's
        ├── ConflictError       409  it contradicts what is already so
        ├── GoneError           410  it was there and is over
        ├── OutdatedError       412  what it builds on has changed meanwhile
        ├── TooLargeError       413
        ├── BusyError           429  too often or too many; ``retry_after_s`` tells when again
        └── UnavailableError    503  a part of the service is away

Every message is one sentence or two for the person who made the call: what is wrong, then what to do. ``code`` names
the case for programs and never changes; ``exit_code`` is what the command line leaves with.
"""

from __future__ import annotations

from collections.abc import Mapping


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


class ServiceError(AvatariumError):
    """A request to the service is refused.

    Args:
        number: the integer ``code`` of the answer; the HTTP status where the API that we answer for names none.
        retry_after_s: when it is worth to come again.
    """

    status = 500
    data: Mapping[str, object] | None = None
    """What a program may want to know beyond the sentence; ``data`` of the answer."""

    def __init__(
        self, message: str, *, code: str, number: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.number = self.status if number is None else number
        self.retry_after_s = retry_after_s


class RequestError(ServiceError):
    """The request itself is wrong."""

    status = 400


class AuthError(ServiceError):
    """No key, or one that does not open anything."""

    status = 401


class TooFewCoinsError(ServiceError):
    """The balance is smaller than the price."""

    status = 402


class ForbiddenError(ServiceError):
    """The key is good but not for this."""

    status = 403


class NotFoundError(ServiceError):
    """Not there, or somebody else's, which is the same to whoever asks."""

    status = 404


class ConflictError(ServiceError):
    """It contradicts what is already so."""

    status = 409


class GoneError(ServiceError):
    """It was there and is over."""

    status = 410


class OutdatedError(ServiceError):
    """What it builds on has changed meanwhile."""

    status = 412


class TooLargeError(ServiceError):
    """More bytes, seconds or characters than are taken."""

    status = 413


class BusyError(ServiceError):
    """Too often or too many at once."""

    status = 429


class UnavailableError(ServiceError):
    """A part of the service is away."""

    status = 503
