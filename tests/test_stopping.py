"""Being asked to stop, in a process of its own: a signal is heard whichever thread the system gives it to."""

from __future__ import annotations

import subprocess
import sys

_WAITS = """
import signal, threading, time
from cardctl.stopping import asked_to_stop, wait_for

def given_to_another_thread():
    time.sleep(0.3)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(60)

with asked_to_stop() as asked:
    threading.Thread(target=given_to_another_thread, daemon=True).start()
    wait_for(asked)
print("stopped")
"""


def test_a_signal_that_another_thread_is_given_is_heard() -> None:
    ended = subprocess.run([sys.executable, "-c", _WAITS], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (0, "stopped\n"), ended
