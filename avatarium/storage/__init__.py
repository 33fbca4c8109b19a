"""Objects of users: on the local disk or in S3, behind signed addresses; and the files that users' URLs lead to."""

from avatarium.storage.fetch import Fetched, Fetcher
from avatarium.storage.models import SYSTEM_OWNER, StoredObject
from avatarium.storage.service import Storage
from avatarium.storage.sniff import Kind

__all__ = ["SYSTEM_OWNER", "Fetched", "Fetcher", "Kind", "Storage", "StoredObject"]
