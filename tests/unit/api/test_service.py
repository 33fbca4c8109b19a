"""Health, readiness, metrics, the pages, and the log."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from avatarium.errors import UnavailableError
from avatarium.logs import configure_logging, hide_secrets
from avatarium.settings import load_settings
from tests.unit.api.kit import House


def test_health_asks_nothing(installation: House) -> None:
    installation.platform.database.close()
    with installation.client() as client:
        assert client.get("/healthz").json()["data"] == {"status": "ok"}


def test_readiness_names_what_is_missing(
    installation: House, stranger: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems: dict[str, str] = {}
    monkeypatch.setattr(installation.platform, "ready", lambda: problems)
    assert stranger.get("/readyz").json()["data"] == {"status": "ready", "stages": 0, "rooms": 0}
    problems["workers"] = "No worker is running."
    answer = stranger.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.json()["detail"] == [{"field": "workers", "message": "No worker is running."}]


def test_metrics_count_by_route_and_not_by_address(installation: House, admin: TestClient) -> None:
    for name in ("one", "two"):
        admin.get(f"/api/v1/trial/{name}")
        admin.get(f"/nowhere/{name}")
    admin.request("STRANGE", "/healthz")
    page = admin.get("/metrics")
    assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'avatarium_requests_total{method="GET",route="/api/v1/trial/{_id}",status="200"} 2.0' in page.text
    assert 'avatarium_requests_total{method="GET",route="(none)",status="404"} 2.0' in page.text
    assert 'method="other"' in page.text
    assert "STRANGE" not in page.text
    assert "avatarium_request_seconds_bucket" in page.text


def test_metrics_are_for_administrators_and_this_machine(
    installation: House, client: TestClient, stranger: TestClient
) -> None:
    assert client.get("/metrics").status_code == 403
    assert stranger.get("/metrics").status_code == 401
    with TestClient(installation.app, client=("127.0.0.1", 1)) as local:
        assert local.get("/metrics").status_code == 200
        assert local.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 401


def test_metrics_go_on_without_a_database(
    installation: House, admin: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.get("/healthz")
    admin.get("/metrics")  # the key is remembered from here on

    def away() -> None:
        raise UnavailableError("Away.", code="database_away")

    monkeypatch.setattr(installation.platform.database, "read", away)
    page = admin.get("/metrics")
    assert page.status_code == 200
    assert "avatarium_requests_total" in page.text


def test_the_pages_load_nothing_from_elsewhere(stranger: TestClient) -> None:
    page = stranger.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    for address in re.findall(r'(?:src|href)="([^"#]+)"', page.text):
        if not address.startswith("data:"):
            part = stranger.get(address)
            assert part.status_code == 200
            assert not re.search(r"https?://|//\w+\.\w", part.text)
    assert stranger.get("/docs/other.js").status_code == 404
    assert stranger.get("/").headers["Location"] == "/docs"


def test_the_access_log_holds_no_query_and_no_key(installation: House) -> None:
    with installation.client(installation.user_key) as client, capture_logs() as logs:
        client.get("/api/v1/trial/status?sig=secret&token=sk_secret")
    [line] = [line for line in logs if line["event"] == "request"]
    assert (line["path"], line["route"], line["status"]) == ("/api/v1/trial/status", "/api/v1/trial/status", 200)
    assert "secret" not in str(logs)
    assert installation.user_key not in str(logs)


def test_the_access_log_names_the_user(installation: House, client: TestClient) -> None:
    with capture_logs() as logs:
        client.get("/api/v1/user/remainingCoins")
    assert [line["user"] for line in logs if line["event"] == "request"] == [installation.user_id]


@pytest.mark.parametrize(
    "text",
    [
        "Bearer sk_abcdefgh123",
        "lt_abcd.efgh-ij_",
        "GET /files/a?exp=1&sig=abcdef",
        "https://s3/x?X-Amz-Signature=abcdef&x=1",
    ],
)
def test_secrets_are_hidden_in_whatever_is_logged(text: str) -> None:
    event = hide_secrets(None, "info", {"event": text, "number": 5})
    assert "abcd" not in str(event["event"])
    assert "[hidden]" in str(event["event"])


def test_a_log_line_is_json_with_a_traceback_but_no_local_variables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], own_logging: None
) -> None:
    import structlog

    configure_logging(load_settings(home=tmp_path, log_format="json"))
    local = "sk_" + "x" * 20
    try:
        raise RuntimeError(f"with {local}")
    except RuntimeError:
        structlog.get_logger().exception("bug")
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "bug"
    assert "RuntimeError: with [hidden]" in line["exception"]
    assert "xxxx" not in json.dumps(line)


def test_text_logs_show_no_local_variables_either(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], own_logging: None
) -> None:
    import structlog

    configure_logging(load_settings(home=tmp_path, log_format="text", log_level="warning"))
    hidden_name = "a value that stays inside"
    try:
        raise RuntimeError("trouble")
    except RuntimeError:
        structlog.get_logger().exception("bug", size=len(hidden_name))
    structlog.get_logger().info("not this")
    written = capsys.readouterr().err
    assert "RuntimeError: trouble" in written
    assert hidden_name not in written.replace('hidden_name = "a value that stays inside"', "")
    assert "not this" not in written


def test_lines_of_libraries_have_the_same_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], own_logging: None
) -> None:
    import logging

    configure_logging(load_settings(home=tmp_path, log_format="json"))
    logging.getLogger("uvicorn.error").warning("with %s", "sk_abcdefgh")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["logger"], line["level"]) == ("with [hidden]", "uvicorn.error", "warning")
