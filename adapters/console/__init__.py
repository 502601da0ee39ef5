"""The operator's own terminal: a chat with a line editor, or messages a line through a pipe."""

from adapters.console.chat import ChatConsole
from adapters.console.piped import PipedConsole

__all__ = ["ChatConsole", "PipedConsole"]
