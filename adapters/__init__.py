"""Where people talk to Parley. Each adapter knows its platform and the seam in `bot.ports`, nothing more."""
