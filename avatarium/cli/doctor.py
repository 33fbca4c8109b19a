"""``avatarium doctor``: what works here, by which means, how fast, and what to do about the rest."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avatarium import __version__
from avatarium.cli.doctor_network import examine_network
from avatarium.cli.doctor_service import Check, Health, examine_service
from avatarium.cli.quiet import native_chatter_hidden
from avatarium.errors import AvatariumError

if TYPE_CHECKING:
    from avatarium.engine.assets import AssetStore
    from avatarium.engine.capabilities import Capability
    from avatarium.engine.selftest import SelfTest

ENOUGH_MB = 1000
"""Free disk that fetching and converting the best voices asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How one capability fares on this machine."""

    capability: str
    engine: str
    ready: bool
    packages: dict[str, str | None]
    """Versions; None where one is not installed."""
    assets: dict[str, str]
    advice: str = ""
    """What to do where it is not ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that the doctor found."""

    avatarium: str
    python: str
    system: str
    processor: str
    cores: int
    home: str
    free_mb: int
    findings: list[Finding]
    speed: SelfTest | None
    trouble: str = ""
    """Why the self-test failed."""
    advice: list[str] = field(default_factory=list)
    service: list[Check] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether ``speak`` can work, and nothing of the service is ill."""
        return self.speed is not None and all(check.health is not Health.ILL for check in self.service)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    network: Annotated[
        bool, typer.Option("--network", help="Only whether viewers of live rooms can be reached, and what is blocked.")
    ] = False,
) -> None:
    """Tell what works on this machine and how fast; leaves with 0 only if speak can work and the service is not ill."""
    if network:
        examine_network(as_json=as_json)
        return
    with native_chatter_hidden():
        report = examine()
    if as_json:
        print(json.dumps({**asdict(report), "well": report.well}, indent=2))
    else:
        _print(report)
    if not report.well:
        raise typer.Exit(1)


def examine() -> Report:
    """Look at everything, and make two seconds of video."""
    speed, trouble = _measured()
    findings, home, free_mb = _findings()
    service = examine_service()
    advice = [text for text in (*(f.advice for f in findings), *(check.advice for check in service)) if text]
    if free_mb < ENOUGH_MB:
        advice.append(f"Only {free_mb} MB are free in {home}; {ENOUGH_MB} are needed to fetch the best voices.")
    return Report(
        avatarium=__version__,
        python=f"{platform.python_version()} ({sys.executable})",
        system=platform.platform(terse=True),
        processor=_processor(Path("/proc/cpuinfo")),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        home=str(home),
        free_mb=free_mb,
        findings=findings,
        speed=speed,
        trouble=trouble,
        advice=advice,
        service=service,
    )


def _measured() -> tuple[SelfTest | None, str]:
    try:
        from avatarium.engine.selftest import run_self_test

        return run_self_test(), ""
    except AvatariumError as error:
        return None, error.message
    except ImportError as error:
        return None, f"A Python package cannot be loaded ({error}); install the requirements again."


def _findings() -> tuple[list[Finding], Path, int]:
    from avatarium.engine.assets import default_home, default_store
    from avatarium.engine.capabilities import CAPABILITIES

    home, store = default_home(), default_store()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free_mb = shutil.disk_usage(existing).free // 2**20
    return [_languages(_finding(capability, store)) for capability in CAPABILITIES], home, free_mb


def _languages(finding: Finding) -> Finding:
    """For translation: which rules of Apertium are there, and what to install for the others that voices can speak."""
    from avatarium.engine.capabilities import TRANSLATION
    from avatarium.engine.translation import apertium

    if finding.capability != TRANSLATION.name or not finding.ready:
        return finding
    there = apertium.modes()
    lacking = sorted({package for package, _ in apertium.WANTED.values()} - apertium.installed_packages())
    known = ", ".join(f"{source}-{target}" for source, target in sorted(there)) or "none"
    advice = (
        f"translation: for more languages of dubbing, `apt install apertium {' '.join(lacking)}`." if lacking else ""
    )
    return replace(finding, engine=f"Bergamot en-pt, pt-en; Apertium: {known}", advice=advice)


def _finding(capability: Capability, store: AssetStore) -> Finding:
    packages = {name: _version(name) for name in capability.packages}
    known = {asset.name for asset in store.list()}
    assets = {name: store.status(name).value if name in known else "not for this machine" for name in capability.assets}
    lacking = [name for name, status in assets.items() if status != "ready"]
    missing = [name for name, found in packages.items() if found is None]
    advice = ""
    if missing:
        advice = f"{capability.name}: install the Python packages {', '.join(missing)} (./run does it by itself)."
    elif fetchable := [name for name in lacking if name in known]:
        advice = f"{capability.name}: fetched on first use, or now by `avatarium assets fetch {' '.join(fetchable)}`."
    elif lacking:
        advice = f"{capability.name}: there is no build of {', '.join(lacking)} for this machine."
    return Finding(
        capability=capability.name,
        engine=capability.engine,
        ready=not (missing or lacking),
        packages=packages,
        assets=assets,
        advice=advice,
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor(cpuinfo: Path) -> str:
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _print(report: Report) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    facts = Table(box=None, show_header=False, pad_edge=False)
    for row in _facts(report):
        facts.add_row(*row)
    console.print(facts)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("capability", "state", "engine"):
        table.add_column(heading)
    for finding in report.findings:
        table.add_row(finding.capability, _state(finding), finding.engine)
    console.print(table)
    parts = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in ("part of the service", "state", "detail"):
        parts.add_column(heading)
    for check in report.service:
        parts.add_row(check.part, check.health.value, escape(check.detail))
    console.print(parts)
    packages = {name: found for finding in report.findings for name, found in finding.packages.items()}
    console.print("packages:", ", ".join(f"{name} {found or 'MISSING'}" for name, found in packages.items()))
    for line in _verdict(report):
        console.print(line, soft_wrap=True)


def _facts(report: Report) -> list[tuple[str, str]]:
    return [
        ("avatarium", report.avatarium),
        ("python", report.python),
        ("system", report.system),
        ("processor", f"{report.processor}, {report.cores} core{'s' * (report.cores != 1)}"),
        ("model files", f"{report.home}, {report.free_mb / 1000:.1f} GB free"),
    ]


def _state(finding: Finding) -> str:
    if finding.ready:
        return "ready"
    return ", ".join(sorted({status for status in finding.assets.values() if status != "ready"}) or ["missing"])


def _verdict(report: Report) -> list[str]:
    speed = report.speed
    if speed is None:
        return [*report.advice, f"speak cannot work here: {report.trouble}"]
    factor = speed.real_time_factor
    return [
        f"speed at 720p: {speed.render_ms:.1f} ms of CPU to render a frame, "
        f"{speed.speech_cpu:.3f} s of CPU for a second of speech by {speed.voice}",
        f"a second of video is made in {factor:.2f} s: {'faster' if factor < 1 else 'slower'} than playback",
        *report.advice,
        "speak works here.",
    ]
