"""Notifications over ZeroMQ (`-zmqpub...`): blocks and transactions as they come and go."""
