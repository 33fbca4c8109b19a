"""Avatarium: self-hosted talking avatars on an ordinary CPU."""

__version__ = "0.1.0"
