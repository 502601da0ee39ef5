"""The Assistants protocol over HTTP, on Parley's own engine and store."""
