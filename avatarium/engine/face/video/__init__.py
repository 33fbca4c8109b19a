"""Twins: a person in a video, made into somebody who speaks any words."""
