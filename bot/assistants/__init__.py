"""The Assistant objects and the run state machine. No platform, no SQL, no HTTP."""
