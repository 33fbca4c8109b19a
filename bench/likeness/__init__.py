"""How like a speaking person a video is, by detectors that the renderer does not use.

``measure`` gives the figures of one video; ``python -m bench.likeness`` prints them beside those of real people.
"""

from bench.likeness.measure import measure
from bench.likeness.report import Likeness

__all__ = ["Likeness", "measure"]
