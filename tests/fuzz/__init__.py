"""Fuzzing: input of any form through the real adapters, the real model client and the tools, and what must then hold.

Each target has one Parley on its simulator, which is fed one example after the other. Whatever an example says: nothing
of Parley's inside reaches people, no traceback is logged, what is refused changes nothing, every run ends, the
connection is kept, and a question that follows gets one answer. `python -m tests.fuzz --help` tells how to run it.
"""
