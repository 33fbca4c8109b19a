"""The tables of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from avatarium.accounts.triggers import INSTALL, REMOVE
from avatarium.database import Json, SerialKey

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
    )
    op.create_table(
        "objects",
        sa.Column(
            "key",
            sa.String(length=600).with_variant(sa.String(length=600, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=128), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("task_id", sa.String(length=64), nullable=True),
        sa.Column("awaited", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("reservation", sa.String(length=32), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("size_bytes >= 0", name=op.f("ck_objects_size_not_negative")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_objects")),
    )
    with op.batch_alter_table("objects", schema=None) as batch_op:
        batch_op.create_index("ix_objects_expires_ms", ["expires_ms"], unique=False)
        batch_op.create_index("ix_objects_owner", ["owner"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("coins", sa.BigInteger(), nullable=False),
        sa.Column("diamonds", sa.BigInteger(), nullable=False),
        sa.Column("auto_public_pool", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("disabled_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("coins >= 0", name=op.f("ck_users_coins")),
        sa.CheckConstraint("diamonds >= 0", name=op.f("ck_users_diamonds")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name_key", name=op.f("uq_users_name_key")),
    )
    op.create_table(
        "workers",
        sa.Column("executor", sa.String(length=128), nullable=False),
        sa.Column("host", sa.String(length=256), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("executor", name=op.f("pk_workers")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("alias", sa.String(length=128), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("origins", Json, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.Column("used_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_keys_user_id"), ["user_id"], unique=False)

    op.create_table(
        "avatars",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("owner", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("gender", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("picture_key", sa.String(length=600), nullable=False),
        sa.Column("cover_key", sa.String(length=600), nullable=False),
        sa.Column("preview_key", sa.String(length=600), nullable=False),
        sa.Column("twin_id", sa.String(length=24), nullable=False),
        sa.Column("package_key", sa.String(length=600), nullable=False),
        sa.Column("track_key", sa.String(length=600), nullable=False),
        sa.Column("sound_key", sa.String(length=600), nullable=False),
        sa.Column("background_key", sa.String(length=600), nullable=False),
        sa.Column("background_color", sa.String(length=64), nullable=False),
        sa.Column("consent", Json, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["users.id"], name=op.f("fk_avatars_owner_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_avatars")),
    )
    with op.batch_alter_table("avatars", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_avatars_owner_created_ms"), ["owner", "created_ms"], unique=False)

    op.create_table(
        "backgrounds",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("owner", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("key", sa.String(length=600), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["users.id"], name=op.f("fk_backgrounds_owner_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backgrounds")),
    )
    with op.batch_alter_table("backgrounds", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_backgrounds_owner_created_ms"), ["owner", "created_ms"], unique=False)

    op.create_table(
        "lip_models",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("owner", sa.String(length=24), nullable=False),
        sa.Column("avatar_id", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=600), nullable=False),
        sa.Column("preview_key", sa.String(length=600), nullable=False),
        sa.Column("general_error", sa.Float(), nullable=False),
        sa.Column("personal_error", sa.Float(), nullable=False),
        sa.Column("seconds_used", sa.Float(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["users.id"], name=op.f("fk_lip_models_owner_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lip_models")),
        sa.UniqueConstraint("avatar_id", "version", name=op.f("uq_lip_models_avatar_id_version")),
    )
    with op.batch_alter_table("lip_models", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lip_models_owner_created_ms"), ["owner", "created_ms"], unique=False)

    op.create_table(
        "user_voices",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("owner", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("gender", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=600), nullable=False),
        sa.Column("sample_key", sa.String(length=600), nullable=False),
        sa.Column("avatar_id", sa.String(length=24), nullable=False),
        sa.Column("consent", Json, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["users.id"], name=op.f("fk_user_voices_owner_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_voices")),
    )
    with op.batch_alter_table("user_voices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_voices_avatar_id"), ["avatar_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_user_voices_owner_created_ms"), ["owner", "created_ms"], unique=False)

    op.create_table(
        "ledger",
        sa.Column("id", SerialKey, nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=512), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=256), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_ledger_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_ledger_user_id_key")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_user_id_created_ms"), ["user_id", "created_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_user_id_subject"), ["user_id", "subject"], unique=False)

    op.create_table(
        "tasks",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("family", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("request", Json, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("result", Json, nullable=False),
        sa.Column("unit", sa.String(length=8), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("expected_s", sa.Float(), nullable=False),
        sa.Column("engine", sa.String(length=256), nullable=False),
        sa.Column("idempotency_key", sa.String(length=256), nullable=True),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("webhook_url", sa.String(length=2048), nullable=False),
        sa.Column("webhook_token", sa.String(length=256), nullable=False),
        sa.Column("failed_code", sa.String(length=64), nullable=False),
        sa.Column("failed_message", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=True),
        sa.Column("finished_ms", sa.BigInteger(), nullable=True),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.Column("deleted_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tasks_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("user_id", "idempotency_key", name=op.f("uq_tasks_user_id_idempotency_key")),
    )
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tasks_expires_ms"), ["expires_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_tasks_state_queue"), ["state", "queue"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_tasks_user_id_family_created_ms"), ["user_id", "family", "created_ms"], unique=False
        )

    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("task_id", sa.String(length=24), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("url", sa.String(length=2048), nullable=False),
        sa.Column("token", sa.String(length=256), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=True),
        sa.Column("delivered_ms", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_webhook_deliveries_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    with op.batch_alter_table("webhook_deliveries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_webhook_deliveries_next_ms"), ["next_ms"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_webhook_deliveries_user_id_created_ms"), ["user_id", "created_ms"], unique=False
        )

    op.create_table(
        "stages",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("host", sa.String(length=256), nullable=False),
        sa.Column("address", sa.String(length=256), nullable=False),
        sa.Column("places", sa.Float(), nullable=False),
        sa.Column("capacity", Json, nullable=False),
        sa.Column("rooms", sa.Integer(), nullable=False),
        sa.Column("load", sa.Float(), nullable=False),
        sa.Column("late", sa.Float(), nullable=False),
        sa.Column("draining", sa.Boolean(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stages")),
    )
    op.create_table(
        "rooms",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=24), nullable=False),
        sa.Column("avatar_id", sa.String(length=24), nullable=False),
        sa.Column("stage_id", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("places", sa.Float(), nullable=False),
        sa.Column("spec", Json, nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("unit_price", sa.Float(), nullable=False),
        sa.Column("booked_s", sa.Integer(), nullable=False),
        sa.Column("extended_s", sa.Integer(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("joined_ms", sa.BigInteger(), nullable=True),
        sa.Column("lost_ms", sa.BigInteger(), nullable=True),
        sa.Column("away_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.String(length=16), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("recording_key", sa.String(length=600), nullable=False),
        sa.Column("idempotency_key", sa.String(length=256), nullable=True),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("extensions", Json, nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["users.id"], name=op.f("fk_rooms_owner_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
        sa.UniqueConstraint("channel", name=op.f("uq_rooms_channel")),
        sa.UniqueConstraint("owner", "idempotency_key", name=op.f("uq_rooms_owner_idempotency_key")),
    )
    with op.batch_alter_table("rooms", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rooms_ended_ms"), ["ended_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_rooms_owner_created_ms"), ["owner", "created_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_rooms_state_stage_id"), ["state", "stage_id"], unique=False)

    op.create_table(
        "waiting",
        sa.Column("ticket", sa.String(length=24), nullable=False),
        sa.Column("owner", sa.String(length=24), nullable=False),
        sa.Column("places", sa.Float(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["users.id"], name=op.f("fk_waiting_owner_users")),
        sa.PrimaryKeyConstraint("ticket", name=op.f("pk_waiting")),
    )
    with op.batch_alter_table("waiting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_waiting_created_ms"), ["created_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_waiting_owner"), ["owner"], unique=False)

    for statement in INSTALL[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("waiting", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_waiting_owner"))
        batch_op.drop_index(batch_op.f("ix_waiting_created_ms"))

    op.drop_table("waiting")
    with op.batch_alter_table("rooms", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rooms_state_stage_id"))
        batch_op.drop_index(batch_op.f("ix_rooms_owner_created_ms"))
        batch_op.drop_index(batch_op.f("ix_rooms_ended_ms"))

    op.drop_table("rooms")
    op.drop_table("stages")
    with op.batch_alter_table("webhook_deliveries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_deliveries_user_id_created_ms"))
        batch_op.drop_index(batch_op.f("ix_webhook_deliveries_next_ms"))

    op.drop_table("webhook_deliveries")
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tasks_user_id_family_created_ms"))
        batch_op.drop_index(batch_op.f("ix_tasks_state_queue"))
        batch_op.drop_index(batch_op.f("ix_tasks_expires_ms"))

    op.drop_table("tasks")
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_user_id_subject"))
        batch_op.drop_index(batch_op.f("ix_ledger_user_id_created_ms"))

    op.drop_table("ledger")
    with op.batch_alter_table("user_voices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_voices_owner_created_ms"))
        batch_op.drop_index(batch_op.f("ix_user_voices_avatar_id"))

    op.drop_table("user_voices")
    with op.batch_alter_table("lip_models", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lip_models_owner_created_ms"))

    op.drop_table("lip_models")
    with op.batch_alter_table("backgrounds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_backgrounds_owner_created_ms"))

    op.drop_table("backgrounds")
    with op.batch_alter_table("avatars", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_avatars_owner_created_ms"))

    op.drop_table("avatars")
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_keys_user_id"))

    op.drop_table("api_keys")
    op.drop_table("workers")
    op.drop_table("users")
    with op.batch_alter_table("objects", schema=None) as batch_op:
        batch_op.drop_index("ix_objects_owner")
        batch_op.drop_index("ix_objects_expires_ms")

    op.drop_table("objects")
    op.drop_table("installation")
    for statement in REMOVE[op.get_bind().dialect.name]:
        op.execute(statement)
