"""Ordered changes of the schema; each says why."""
