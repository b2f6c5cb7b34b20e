"""The program of a guard: reads identities, a line each, and kills those processes at the end."""

from __future__ import annotations

import json
import signal
import sys

from axon.swarm.lab.processidentity import ProcessIdentity, send_signal


def main() -> None:
    """Read until the pipe closes."""
    watched = [ProcessIdentity.from_json(json.loads(line)) for line in sys.stdin]
    for identity in watched:
        send_signal(identity, signal.SIGKILL)


if __name__ == "__main__":
    main()
