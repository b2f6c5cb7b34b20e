"""Attacks on a real node, measured: what each costs it, and whom else.

    python -m attacks [--short] [NAME ...]

`docs/threats.md` has a row for each. A node runs as a process of its own, strangers attack it over
real sockets, and meanwhile an honest peer pings it and its owner calls it. Each attack has bounds:
on the memory that it may cost, on how long the honest wait, and that the node lives.
"""
