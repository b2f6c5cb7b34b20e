"""What every run of the tests needs: that what they start can be interrupted.

A shell lets programs that it runs in the background ignore ctrl-C, and all that these start
inherits it: no test of an interrupted program could pass there.
"""

from __future__ import annotations

import signal
import threading

if (
    threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):
    signal.signal(signal.SIGINT, signal.default_int_handler)
