"""Detect clients that stop reading, by the kernel's count of unacknowledged bytes; our own buffer says too little.

A response that nobody reads keeps its connection open and takes the place of another client.
"""

import array
import asyncio
import contextlib
import fcntl
import socket
import struct
import termios
from typing import Any

# Bytes per second, slower than any phone: whoever reads less wants the connection, not the response.
SLOWEST = 1024
_LOOKS = 4
_RESET = struct.pack("ii", 1, 0)


class Stall:
    """Between `begin` and `end`, bytes are waiting to be read; cuts the connection if that takes too long.

    The client starts with a credit of `seconds`. Every `SLOWEST` bytes it reads earn one more, up to the same limit:
    a client that reads nothing is cut after that time, a slow but steady one never.
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
        """Seconds since the client last read anything; 0 if nothing is waiting."""
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
        """Reset the connection: a regular close would first wait for the client to read the rest."""
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
        """Bytes that the client's machine has not acknowledged, in our buffer and in the kernel's."""
        waiting = array.array("i", [0])
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, waiting)
        return self._transport.get_write_buffer_size() + waiting[0]

    @property
    def _socket(self) -> Any:
        return self._transport.get_extra_info("socket")
