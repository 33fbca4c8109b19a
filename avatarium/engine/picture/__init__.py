"""Pictures: reading them, cutting people out, filling in what is hidden."""

from avatarium.engine.picture.read import Alpha, Picture, Rgb, lay_over, read_picture
from avatarium.engine.picture.sniff import PictureFormat

__all__ = ["Alpha", "Picture", "PictureFormat", "Rgb", "lay_over", "read_picture"]
