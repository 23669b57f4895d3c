"""Fixtures of this room: someone who asks."""

from tests.resources.asking import ask, make_ask, plain_app, tree

__all__ = ["ask", "make_ask", "plain_app", "tree"]
