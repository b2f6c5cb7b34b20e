"""The commands of `axon swarm`, a module for each family."""
