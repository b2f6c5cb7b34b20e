"""Which backend a run has, and how a person reaches what runs there."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from axon.errors import ConfigError
from axon.swarm.lab.backends import BACKENDS, backend_of, called_from
from axon.swarm.lab.manifest import BackendName, Manifest
from axon.swarm.lab.plan import RunRequest, plan_run
from axon.swarm.lab.topology import GivenTopology


@pytest.mark.parametrize("name", BackendName)
def test_a_run_keeps_its_backend(tmp_path: Path, name: BackendName) -> None:
    wanted = RunRequest(2, wallets=1, backend=name)
    plan_run(tmp_path, wanted, Random(7), lambda _, usual: usual).save()
    manifest = Manifest.load(tmp_path)
    assert manifest is not None
    assert backend_of(manifest) is BACKENDS[name]


def test_a_person_calls_into_a_namespace(tmp_path: Path) -> None:
    for name in BackendName:
        wanted = RunRequest(2, miners=1, backend=name)
        manifest = plan_run(tmp_path, wanted, Random(7), lambda _, usual: usual)
        called = called_from(manifest, manifest.components["m1"])
        inside = ["ip", "netns", "exec", f"axon-{manifest.run}-n1"]
        assert called == (inside if name is BackendName.NETNS else [])


@pytest.mark.parametrize("name", ["bridge", "br0", "lo", "a-name-of-16-yes"])
def test_a_node_in_namespaces_is_called_as_an_interface_can_be(name: str) -> None:
    drawn = GivenTopology("drawn.json", {name: ("n2",), "n2": (name,)})
    RunRequest(2, topology=drawn).check()
    with pytest.raises(ConfigError, match=f"{name} cannot be the name of a node in namespaces"):
        RunRequest(2, topology=drawn, backend=BackendName.NETNS).check()


def test_no_more_netgroups_than_there_are_addresses_for() -> None:
    RunRequest(40, groups=16, backend=BackendName.NETNS).check()
    RunRequest(40, groups=40).check()
    with pytest.raises(ConfigError, match="40 nodes make 1 to 16 groups"):
        RunRequest(40, groups=17, backend=BackendName.NETNS).check()
