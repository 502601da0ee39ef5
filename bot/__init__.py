"""Parley, the assistant itself: engine, store, models, handler, delivery, commands."""
