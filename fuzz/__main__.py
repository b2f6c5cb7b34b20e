"""`python -m fuzz TARGET --seconds 60`: look for inputs at which a target fails."""

from __future__ import annotations

import argparse

from fuzz.engine import CORPUS, run


def main() -> None:
    """Run one target."""
    names = sorted(path.name for path in CORPUS.iterdir())
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", choices=names, metavar="TARGET", help=", ".join(names))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    run(asked.target, asked.seconds, asked.seed)


if __name__ == "__main__":
    main()
