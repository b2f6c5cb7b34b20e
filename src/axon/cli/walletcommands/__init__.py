"""The commands of `axon wallet`, a module for each family."""
