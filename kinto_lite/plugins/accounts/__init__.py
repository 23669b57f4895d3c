"""Accounts: users with a name and a password, stored as objects of a kind of their own.

`resource` is what the API shows of them, `policy` signs them in, `passwords` hashes,
`verdicts` remembers what was checked, `throttle` slows guessing down, `checks` refuses settings
that make no sense, `privileges` keeps names that settings give rights to from strangers,
`creation` makes an account without a request, for the command line.

Source: protocol, plugins chapter 4.
"""

from kinto_lite.plugins.accounts.plugin import PLUGIN

__all__ = ["PLUGIN"]
