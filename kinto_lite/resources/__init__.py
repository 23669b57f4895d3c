"""The verbs on objects and lists, one file each, and the small endpoints beside them.

Handlers take a `hooks.Call` and return an `Answer`, or raise `errors.ApiError`. They know the
protocol and the storage interface; beginning transactions, finding out who asks, headers
common to all answers and errors are the pipeline's.
"""
