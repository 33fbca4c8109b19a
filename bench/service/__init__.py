"""What the service costs beside its engine: answers, tasks, coins, starts, each beside a baseline of the same run."""
