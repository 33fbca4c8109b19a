"""On what machine a speed was measured: a figure without it means nothing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The processor as the operating system names it."""

    model: str
    cores: int
    """Those that this process may use."""
    load: float
    """Runnable tasks over the last minute: far above zero before the run means that others were at work."""

    @property
    def text(self) -> str:
        """One line for a report."""
        return f"{self.model}, {self.cores} core{'s' * (self.cores != 1)}, load {self.load:.1f}"


def this_machine() -> Machine:
    """Describe the machine that this process runs on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(model=_cpu_model(Path("/proc/cpuinfo")), cores=cores, load=os.getloadavg()[0])


def _cpu_model(cpuinfo: Path) -> str:
    if not cpuinfo.is_file():
        return platform.processor() or platform.machine()
    fields: dict[str, str] = {}
    for line in cpuinfo.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    name = fields.get("model name", platform.machine())
    # Virtual machines often hide the name of the model; its number still tells generations apart.
    number = f" (family {fields['cpu family']}, model {fields['model']})" if "cpu family" in fields else ""
    return name + number
