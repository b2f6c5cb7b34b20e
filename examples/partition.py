"""20 full nodes in virtual time, parted and joined again: python examples/partition.py [SEED]

Nothing waits: a minute of the network takes a moment, and one seed always tells the same story.
"""

import sys

from axon import REGTEST, SimNetwork, decode_address

SECOND = 1_000_000
SCRIPT = decode_address("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", REGTEST)


def main(seed: int) -> None:
    network = SimNetwork(seed, 20)
    network.run(60 * SECOND)
    network.mine(0, SCRIPT)
    network.run(60 * SECOND)
    print("one network, agreed:", network.agrees())

    network.simulation.partition([range(10), range(10, 20)])
    network.mine(0, SCRIPT)
    network.mine(19, SCRIPT)
    network.run(60 * SECOND)
    network.mine(19, SCRIPT)
    network.run(60 * SECOND)
    print("parted, different tips:", len(set(network.tips().values())))

    network.simulation.heal()
    print("joined, agreed:", network.settle(600 * SECOND))
    print("height everywhere:", {network.machine(n).active.height for n in network.running()})


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
