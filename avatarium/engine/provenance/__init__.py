"""Content Credentials (C2PA): files that say who made them and how, signed, so that a change is seen."""

from avatarium.engine.provenance.reading import Credentials, read
from avatarium.engine.provenance.signer import SIDECAR, SIDECAR_TYPE, Action, Signer, SourceType

__all__ = ["SIDECAR", "SIDECAR_TYPE", "Action", "Credentials", "Signer", "SourceType", "read"]
