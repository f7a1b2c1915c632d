"""A job that ends with the service that started it, also where that was killed and could ask nobody to end."""

import os
import signal
import threading
import time

# To finish the batch at hand and commit it, as after SIGTERM.
PATIENCE = 60.0


def end_with_stdin(patience: float = PATIENCE) -> None:
    """From now on the end of standard input, which whoever started this holds open, is a SIGTERM.

    Whom that does not end, for a drive hangs perhaps, is killed: that costs a few seconds of work, and no index.
    """
    threading.Thread(target=_watch, args=(patience,), name="supervised", daemon=True).start()


def _watch(patience: float) -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:  # none is open, or it is gone
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience)
    os.kill(os.getpid(), signal.SIGKILL)
