"""A Ray cluster of several nodes on this machine: `python -m tests.interop.raycluster`.

It prints the address of its client server and its own, removes a node for each line `node` that it
reads, as a machine that dies, and the head for `head`, and ends with its input. It runs where only
loopback is: Ray takes whatever address it finds.
"""

from __future__ import annotations

import sys

WORKERS = 2


def main() -> None:
    """The cluster, until the input ends."""
    from ray.cluster_utils import Cluster

    port = 10_001
    head = {"num_cpus": 1, "include_dashboard": False, "ray_client_server_port": port}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        nodes = [cluster.add_node(num_cpus=1) for _ in range(WORKERS)]
        print(f"ray://127.0.0.1:{port}", cluster.address, flush=True)
        for line in sys.stdin:
            dying = cluster.head_node if line.strip() == "head" else nodes.pop()
            cluster.remove_node(dying, allow_graceful=False)
            print("removed", flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
