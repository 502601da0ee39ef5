"""The model behind a run: one small port, and what speaks it."""
