"""``avatarium doctor --network``: whether the media of live rooms reaches viewers, and what to do where it does not."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer

from avatarium.cli.tables import print_table


def examine_network(*, as_json: bool) -> None:
    """Print what was found; leaves with 1 where something is blocked."""
    from avatarium.settings import load_settings
    from avatarium.streaming.transports.network_check import State, check_network

    findings = check_network(load_settings())
    well = all(finding.state is not State.BLOCKED for finding in findings)
    if as_json:
        print(json.dumps({"well": well, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        rows = [(finding.what, finding.state.value, finding.detail) for finding in findings]
        print_table(("what", "state", "detail"), rows)
        for finding in findings:
            if finding.advice:
                print(f"\n{finding.what}: {finding.advice}")
    if not well:
        raise typer.Exit(1)
