"""How well recordings are written down: words against texts that are known, turns against mixtures that were composed.

python -m bench.recognition ../shared/media
"""
