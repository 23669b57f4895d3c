"""Slows the guessing of passwords down: for each account and address, some wrong ones at once,
then one from time to time.

Counting by address as well keeps a stranger from locking the owner out. The memory is one
process's own, and bounded.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

#: Wrong passwords that may be tried at once, and how long it takes until another one may.
BURST = 20
SECONDS_EACH = 60.0
#: Pairs of account and address that are remembered; the oldest are forgotten.
MAX_PAIRS = 20_000
#: Whoever has one IPv6 address has all that begin with the same 64 bits.
_IPV6_BITS = 64

Pair = tuple[str, str]


class Throttle:
    """How many wrong passwords each pair (account, network) may still try. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: What is left of the burst, and since when.
        self._left: OrderedDict[Pair, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def allows(self, pair: Pair) -> bool:
        """Tell whether a password may be checked."""
        with self._lock:
            return self._count(pair) >= 1

    def take(self, pair: Pair) -> bool:
        """Count a check, before it is done; False when it may not be done."""
        with self._lock:
            left = self._count(pair)
            if left < 1:
                return False
            self._remember(pair, left - 1)
            return True

    def give_back(self, pair: Pair) -> None:
        """Take a check back that found the password right."""
        with self._lock:
            self._remember(pair, min(self._count(pair) + 1, BURST))

    def _count(self, pair: Pair) -> float:
        left, since = self._left.get(pair, (BURST, 0.0))
        return min(left + (self._clock() - since) / SECONDS_EACH, BURST)

    def _remember(self, pair: Pair, left: float) -> None:
        self._left[pair] = left, self._clock()
        self._left.move_to_end(pair)
        if len(self._left) > MAX_PAIRS:
            self._left.popitem(last=False)


def find_network(address: str) -> str:
    """Return what one attacker has: an IPv4 address, the network of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_BITS), strict=False))
