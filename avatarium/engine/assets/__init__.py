"""Model files: what they are, where their bytes come from, and where they lie on this machine.

``default_store().path("kokoro")`` answers with a file that is there and whole, and fetches it the first time.
"""

from avatarium.engine.assets.records import Asset, AssetStatus, Progress, Step, Use, silent
from avatarium.engine.assets.store import AssetStore, default_home, default_store

__all__ = ["Asset", "AssetStatus", "AssetStore", "Progress", "Step", "Use", "default_home", "default_store", "silent"]
