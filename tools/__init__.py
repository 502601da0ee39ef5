"""What the assistant can do: one capability a file. Nothing in here imports `bot` or `adapters`."""
