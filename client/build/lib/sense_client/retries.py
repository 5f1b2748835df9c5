"""When a call that failed is made again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TypeVar

from sense_client.errors import CallError

Answer = TypeVar("Answer")
# A server that asks for more is not waited for.
MAX_RETRY_AFTER_SECONDS = 120.0


@dataclass(frozen=True)
class Retries:
    """Waits that double, up to a limit, and never less than the server asks for.

    Attributes:
        max_tries: Calls in all.
        first_wait_seconds: The longest wait before the second call. Each wait is a random share of it, from a half to
            the whole, so that callers who failed together do not come back together.
        max_wait_seconds: Where doubling ends.
    """

    max_tries: int = 8
    first_wait_seconds: float = 0.5
    max_wait_seconds: float = 10.0

    def call(self, once: Callable[[], Answer]) -> Answer:
        """Calls until there is an answer.

        Raises:
            CallError: One that is not temporary, or that of the last try.
        """
        for num_tries in count(1):
            try:
                return once()
            except CallError as error:
                time.sleep(self._wait_seconds(num_tries, error))
        raise AssertionError

    async def call_async(self, once: Callable[[], Awaitable[Answer]]) -> Answer:
        """Does what `call` does."""
        for num_tries in count(1):
            try:
                return await once()
            except CallError as error:
                await asyncio.sleep(self._wait_seconds(num_tries, error))
        raise AssertionError

    def _wait_seconds(self, num_tries: int, error: CallError) -> float:
        """How long to wait after a failed try; raises the error if there is to be no other."""
        asked_seconds = error.retry_after_seconds or 0.0
        if not error.is_temporary or num_tries >= self.max_tries or asked_seconds > MAX_RETRY_AFTER_SECONDS:
            raise error
        longest = min(self.max_wait_seconds, self.first_wait_seconds * 2 ** (num_tries - 1))
        return max(asked_seconds, random.uniform(longest / 2, longest))


def parse_retry_after(value: str | None) -> float | None:
    """Reads the header Retry-After, seconds or a date (RFC 9110), as seconds from now. None: there is none to read."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
    return max(0.0, (date - datetime.now(timezone.utc)).total_seconds())
