"""`python -m axon`."""

from axon.cli.main import main

main()
