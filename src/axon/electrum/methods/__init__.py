"""The methods of the Electrum protocol, a module for each group of questions."""
