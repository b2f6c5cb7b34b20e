"""What the maps of a PSBT say of scripts and keys."""

from __future__ import annotations

from axon.primitives.keys import public_key
from axon.psbt.fields import OUT_TAP_INTERNAL_KEY, OUT_TAP_TREE
from axon.psbt.gathered import from_output

TREE = bytes.fromhex("00c00151")


def test_the_tree_of_an_output_counts_only_below_a_key_that_is_one() -> None:
    internal = public_key(b"\x07" * 32)[1:]
    known = from_output({OUT_TAP_INTERNAL_KEY: internal, OUT_TAP_TREE: TREE})
    assert (known.internal_key, len(known.leaf_scripts)) == (internal, 1)
    nobody = from_output({OUT_TAP_INTERNAL_KEY: b"\xff" * 32, OUT_TAP_TREE: TREE})
    assert (nobody.internal_key, nobody.leaf_scripts) == (b"", {})
