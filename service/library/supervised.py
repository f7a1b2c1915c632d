"""Stop a job together with the service that started it, even if that was killed."""

import os
import signal
import threading
import time

# Seconds to finish and commit the current batch, as after SIGTERM.
PATIENCE = 60.0


def end_with_stdin(patience: float = PATIENCE) -> None:
    """Send SIGTERM to this process when standard input, which the parent holds open, closes.

    If that does not end it, perhaps because a drive hangs, kill it: this loses a few seconds of work, never the index.
    """
    threading.Thread(target=_watch, args=(patience,), name="supervised", daemon=True).start()


def _watch(patience: float) -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:  # closed from the start, or broken
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience)
    os.kill(os.getpid(), signal.SIGKILL)
