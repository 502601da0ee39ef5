"""Benchmarks: they measure and print, and are no part of the tests."""
