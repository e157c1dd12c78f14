"""A fake service to talk to."""

from tests.fakes.served import served

__all__ = ["served"]
