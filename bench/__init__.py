"""Side-by-side benchmarks: what Sereno takes, beside a limit measured in the same run."""
