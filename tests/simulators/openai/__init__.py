"""OpenAI on loopback: Responses, Chat Completions, Models and the Azure forms, scripted by a test or by a brain."""

from tests.simulators.openai.app import OpenAISimulator
from tests.simulators.openai.requests import Request
from tests.simulators.openai.script import Failure, Gate, Turn
from tests.simulators.openai.weather import weather_brain

__all__ = ["Failure", "Gate", "OpenAISimulator", "Request", "Turn", "weather_brain"]
