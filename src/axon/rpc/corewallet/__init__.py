"""The wallet methods of a node, under Bitcoin Core's names; their context is its `Daemon`.

They load no wallet: what they want of one is a command that runs in its lane.
"""
