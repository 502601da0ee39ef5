"""Parley as a real process under load and faults: killed at random (`torture`), or for a long time (`soak`)."""
