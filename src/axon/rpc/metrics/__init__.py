"""What a node tells programs that watch it: numbers for Prometheus, and whether it is well."""
