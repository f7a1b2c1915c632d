"""Whether the peer of a connection takes what it is sent, as the kernel tells: our own buffer says too little.

An answer that nobody takes holds its connection, and with it a place that others are refused.
"""

import array
import asyncio
import contextlib
import fcntl
import socket
import struct
import termios
from typing import Any

# Slower than any phone, and than any reader of a text: whoever takes less wants the connection, not the answer.
SLOWEST = 1024
_LOOKS = 4
_RESET = struct.pack("ii", 1, 0)


class Stall:
    """Between `begin` and `end` something waits to be taken; the connection is cut if that goes on for too long.

    There is credit for so many seconds at first, and each `SLOWEST` bytes that are taken earn another, up to as many:
    whoever takes nothing is cut after that time, whoever is slow but steady never.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, seconds: float) -> None:
        self._loop = loop
        self._transport = transport
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._left = 0
        self._taken_at = self._until = 0.0

    @property
    def idle(self) -> float:
        """Seconds since anything was taken of what waits; 0 where nothing does."""
        return 0.0 if self._timer is None else self._loop.time() - self._taken_at

    def begin(self) -> None:
        self._left, self._taken_at = self._unsent(), self._loop.time()
        self._until = self._taken_at + self._seconds
        self._arm()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def cut(self) -> None:
        """At once: a connection that is closed in order would first wait for its peer to take the rest."""
        self.end()
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def _arm(self) -> None:
        self._timer = self._loop.call_later(min(1.0, self._seconds / _LOOKS), self._look)

    def _look(self) -> None:
        left, now = self._unsent(), self._loop.time()
        if left < self._left:
            self._until = min(now + self._seconds, self._until + (self._left - left) / SLOWEST)
            self._left, self._taken_at = left, now
        if now < self._until:
            self._arm()
        else:
            self.cut()

    def _unsent(self) -> int:
        """Bytes that the peer's machine has not acknowledged, in our buffer and in the kernel's."""
        waiting = array.array("i", [0])
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, waiting)
        return self._transport.get_write_buffer_size() + waiting[0]

    @property
    def _socket(self) -> Any:
        return self._transport.get_extra_info("socket")
