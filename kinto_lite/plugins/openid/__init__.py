"""OpenID Connect: users of other providers (Auth0, Keycloak, Google ...) sign in with a token.

`options` reads and checks the settings, `discovery` asks a provider where its endpoints are,
`line` calls it, `fetching` is one such call, `keys` verifies tokens that are made for this server,
`policy` signs users in, `verified` remembers who was. `login` is the way of a browser to a token:
`callbacks` says where it may lead back to, `states` keeps what was begun.

What only a server with a provider needs is imported when there is one.

Source: protocol, plugins chapter 6, and rules D-10, D-11 and D-12.
"""

from kinto_lite.plugins.openid.plugin import PLUGIN

__all__ = ["PLUGIN"]
