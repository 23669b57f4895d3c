"""A request from end to end: routing, who asks, the transaction, the handler, what all answers
have in common. Knows no web framework and no database."""
