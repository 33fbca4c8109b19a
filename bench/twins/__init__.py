"""Is a twin the person? Clips are made into twins, given other words, and measured by detectors that made neither.

``python -m bench.twins`` makes four clips of its own (the built-in portraits and two paintings speaking) and measures
their twins beside the photo actor on one frame of the same clip; give it other clips to measure those.
"""
