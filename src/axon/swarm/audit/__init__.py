"""A network that somebody runs, judged by what its nodes say: nothing is harmed."""
