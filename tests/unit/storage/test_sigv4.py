"""Our own signatures of S3 are those that the client library makes."""

from __future__ import annotations

from datetime import timedelta

import obstore
import pytest
from obstore.store import S3Store

from avatarium.clock import Clock
from avatarium.storage import sigv4

WHO = sigv4.Credentials(key_id="AKIDEXAMPLE", secret="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", region="eu-west-1")


@pytest.mark.parametrize("key", ["a.png", "uploads/anna/0123/por-trait_1.png"])
def test_what_the_library_signs_is_known_as_ours(key: str) -> None:
    store = S3Store(
        "bucket", access_key_id=WHO.key_id, secret_access_key=WHO.secret, region=WHO.region, endpoint="https://s3.test"
    )
    url = obstore.sign(store, "GET", key, timedelta(seconds=60))
    assert sigv4.opens(WHO, url)
    assert not sigv4.opens(WHO, obstore.sign(store, "PUT", key, timedelta(seconds=60)))
    now_ms = Clock().now_ms()
    assert not sigv4.expired(url, now_ms)
    assert sigv4.expired(url, now_ms + 120_000)


def test_the_published_example() -> None:
    """The GET of "Authenticating Requests: Using Query Parameters" in Amazon's reference."""
    who = sigv4.Credentials(
        key_id="AKIAIOSFODNN7EXAMPLE", secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", region="us-east-1"
    )
    url = sigv4.presign(
        who, "GET", "https://examplebucket.s3.amazonaws.com/test.txt", seconds=86400, now_ms=1369353600000
    )
    assert "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404" in url


@pytest.mark.parametrize("url", ["", "https://s3.test/a?X-Amz-Date=x", "https://s3.test/a?X-Amz-Expires=" + "9" * 40])
def test_nonsense_is_not_ours(url: str) -> None:
    assert not sigv4.opens(WHO, url)
    assert sigv4.expired(url, 0)
