"""What tests of every rung share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.databases", "tests.support.web"]

# The same examples each time, however busy the machine is; ``--hypothesis-profile=curious`` looks for others.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("curious", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# As the service writes tracebacks. By default they are drawn with all locals, for a tenth of a second and more each, on
# whatever event loop they come up.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

ROOT = Path(__file__).parents[1]
MEDIA = Path(os.environ.get("AVATARIUM_TEST_MEDIA", ROOT.parent / "shared" / "media"))


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left_open() -> Iterator[None]:
    """What a module leaves open fails its own last test.

    Else it is noticed when garbage is collected next, and fails a test that has nothing to do with it. Collecting takes
    up to a quarter of a second, and is only done where files were opened.
    """
    before = _open_files()
    yield
    if _open_files() > before:
        gc.collect()


def _open_files() -> int:
    return len(os.listdir("/dev/fd"))


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of test media: ``AVATARIUM_TEST_MEDIA``, or ``../shared/media`` beside the checkout."""
    if not MEDIA.is_dir():
        pytest.skip("the test media are not here; set AVATARIUM_TEST_MEDIA")
    return MEDIA


@pytest.fixture(scope="session")
def portraits(media: Path) -> Path:
    """Test photos of people, paintings, a robot and a dog."""
    return media / "portraits"


@pytest.fixture(scope="session")
def recordings(media: Path) -> Path:
    """Test recordings of people who speak or sing."""
    return media / "speech"
