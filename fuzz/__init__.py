"""Fuzzing: random bytes against everything that reads what a stranger wrote.

A *target* is a function of bytes. It turns them into a value, a text or a series of events, lets
the code have them, and checks what must hold for any input: only `DecodeError` and `PeerFault` (or
the error that the function's docstring names) come out, and what was read can be written and read
again. A target that returns has passed; whatever it raises is a fault.

`targets/` holds them, `corpus/` a few inputs for each, which the ordinary test run replays;
`make fuzz TARGET=transaction SECONDS=60` looks for new ones.
"""
