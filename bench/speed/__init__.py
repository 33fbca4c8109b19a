"""What the product costs: CPU milliseconds a frame by stage, beside a named baseline measured in the same run."""

from bench.speed.clock import Stage, StageClock, cpu_ms

__all__ = ["Stage", "StageClock", "cpu_ms"]
