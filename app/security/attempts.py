"""Wrong passwords by address: after a few, each further one costs twice the wait of the last."""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

FREE = 5
"""Wrong passwords that cost nothing; people mistype."""

_LONGEST_S = 300.0
_FORGOTTEN_S = 3600.0
_MOST_ADDRESSES = 10_000
_MOST_GUESSES = 64


@dataclass(slots=True)
class _Record:
    """What one address tried: how often it was wrong, and until when it has to wait."""

    wrong: int = 0
    until: float = 0.0
    last: float = 0.0
    guesses: set[bytes] = field(default_factory=set)


class Attempts:
    """Counts wrong passwords and says how long an address has to wait.

    The same wrong password again costs nothing: it tells a guesser nothing, and an open tab with
    yesterday's password must not lock its owner out. Memory is bounded; who was quiet for an hour
    is forgotten.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(16)
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Return the seconds that an address has to wait before it may try again."""
        record = self._records.get(address)
        return max(0.0, record.until - self._clock()) if record else 0.0

    def was_wrong(self, address: str, guess: str) -> None:
        """Count a wrong password."""
        now = self._clock()
        record = self._records.setdefault(address, _Record())
        self._records.move_to_end(address)
        if now - record.last > _FORGOTTEN_S:
            record.wrong = 0
            record.guesses.clear()
        record.last = now
        digest = hashlib.blake2b(guess.encode(), key=self._key, digest_size=16).digest()
        if digest not in record.guesses:
            if len(record.guesses) < _MOST_GUESSES:
                record.guesses.add(digest)
            record.wrong += 1
            if record.wrong > FREE:
                record.until = now + min(_LONGEST_S, 2.0 ** (record.wrong - FREE - 1))
        if len(self._records) > _MOST_ADDRESSES:
            self._records.popitem(last=False)
