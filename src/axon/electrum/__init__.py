"""How wallets of the Electrum kind ask: an Electrum server inside the node."""
