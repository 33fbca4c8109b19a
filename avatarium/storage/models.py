"""What is known of every stored object."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from avatarium.database import metadata

KEY_MAX = 600

# In bytewise order on both databases, so that all keys below a prefix are one range of the index.
_Key = sa.String(KEY_MAX).with_variant(sa.String(KEY_MAX, collation="C"), "postgresql")

objects = sa.Table(
    "objects",
    metadata,
    sa.Column("key", _Key, primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("media_type", sa.String(128), nullable=False),
    sa.Column("duration_s", sa.Float),
    sa.Column("task_id", sa.String(64)),
    sa.Column("awaited", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("reservation", sa.String(32)),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger),
    sa.CheckConstraint("size_bytes >= 0", name="size_not_negative"),
    sa.Index("ix_objects_owner", "owner"),
    sa.Index("ix_objects_expires_ms", "expires_ms"),
)
"""``awaited``: promised to a client that uploads straight to S3; its bytes count, but may never come. ``reservation``:
who was the last to store here, so that of two at once neither confirms nor undoes what the other wrote down."""

SYSTEM_OWNER = "system"
"""Owner of what ships with the installation: everybody may use it, no quota counts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One stored object, as the database knows it."""

    key: str
    owner: str
    size_bytes: int
    media_type: str
    duration_s: float | None
    """Of sound and video, where it was measured."""
    task_id: str | None
    created_ms: int
    expires_ms: int | None
    """None is kept until it is deleted."""
