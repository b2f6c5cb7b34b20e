"""Packages: a child that pays for its parents, and lists that are only tested."""

from __future__ import annotations

from axon.mempool.entry import PoolEntry
from axon.mempool.outcome import Refusal, Refused
from axon.mempool.packageacceptance import (
    PackageResult,
    check_form,
    is_child_with_parents,
    is_child_with_parents_tree,
)
from axon.mempool.packages import (
    PackagePlan,
    TestPlan,
    admit_package,
    finish_test,
    prepare_package,
    prepare_test,
)
from axon.mempool.policy import MAX_PACKAGE_COUNT, MAX_PACKAGE_WEIGHT, TRUC_CHILD_MAX_VSIZE, Policy
from axon.mempool.truc import named
from axon.primitives.hashes import Wtxid, to_hex
from axon.primitives.transaction import Transaction, TxIn, TxOut
from axon.primitives.verdict import Accepted, Rejected, Verdict
from tests.mempool.scene import PAY, WITNESS, Scene, consistent, out

BAD_SCRIPT = Rejected("mempool-script-verify-flag-failed (Signature must be zero)")


def submit(
    scene: Scene,
    *transactions: Transaction,
    bad: tuple[Transaction, ...] = (),
    max_feerate: int | None = None,
) -> PackageResult:
    plan = prepare_package(
        scene.pool, transactions, scene.looked_up(*transactions), scene.tip, scene.now
    )
    if isinstance(plan, PackageResult):
        return plan
    assert isinstance(plan, PackagePlan)
    scripts: dict[Wtxid, Verdict] = {}
    for transaction, spent in plan.to_verify:
        assert len(spent) == len(transaction.inputs)
        scripts[transaction.wtxid] = BAD_SCRIPT if transaction in bad else Accepted()
    coins = scene.looked_up(*transactions)
    result = admit_package(scene.pool, plan, scripts, coins, scene.tip, scene.now, max_feerate)
    consistent(scene.pool)
    return result


def dry_run(
    scene: Scene, *transactions: Transaction, bad: Transaction | None = None
) -> PackageResult:
    plan = prepare_test(
        scene.pool, transactions, scene.looked_up(*transactions), scene.tip, scene.now
    )
    if isinstance(plan, PackageResult):
        return plan
    assert isinstance(plan, TestPlan)
    return finish_test(
        plan, {t.wtxid: BAD_SCRIPT if t is bad else Accepted() for t, _ in plan.to_verify}
    )


def family(
    scene: Scene, parent_fee: int = 0, child_fee: int = 2_000, version: int = 2
) -> tuple[Transaction, Transaction]:
    parent = scene.pay(scene.coin(), fee=parent_fee, version=version)
    child = scene.pay(out(parent), fee=child_fee, version=version, total=1_000_000 - parent_fee)
    return parent, child


def reasons(result: PackageResult) -> list[str]:
    return [str(m.refused) if m.refused is not None else "" for m in result.members.values()]


def test_form() -> None:
    scene = Scene()
    parent, child = family(scene)
    assert check_form([parent, child]) is None
    many = [scene.pay(scene.coin()) for _ in range(MAX_PACKAGE_COUNT + 1)]
    assert check_form(many) == Rejected("package-too-many-transactions")
    assert check_form(many[:-1]) is None
    heavy = [scene.pay(scene.coin(), pad=60_000) for _ in range(2)]
    assert check_form(heavy) == Rejected("package-too-large")
    assert check_form(heavy[:1]) is None
    assert check_form([parent, parent]) == Rejected("package-contains-duplicates")
    assert check_form([child, parent]) == Rejected("package-not-sorted")
    point = scene.coin()
    rivals = [scene.pay(point, fee=fee) for fee in (1, 2)]
    assert check_form(rivals) == Rejected("conflict-in-package")


def test_a_package_may_be_as_heavy_as_its_limit() -> None:
    scene = Scene()
    three = [scene.pay(scene.coin(), pad=25_000) for _ in range(3)]
    room = MAX_PACKAGE_WEIGHT - sum(item.weight_wu for item in three)
    bare = scene.pay(scene.coin(), pad=25_000)
    spare = (room - bare.weight_wu) // 4
    last = scene.pay(scene.coin(), pad=25_000 + spare)
    assert sum(item.weight_wu for item in (*three, last)) == MAX_PACKAGE_WEIGHT
    assert check_form([*three, last]) is None
    larger = scene.pay(scene.coin(), pad=25_001 + spare)
    assert check_form([*three, larger]) == Rejected("package-too-large")


def test_the_weight_of_one_is_no_matter_of_packages() -> None:
    scene = Scene()
    alone = scene.pay(scene.coin(), pad=MAX_PACKAGE_WEIGHT // 4)
    assert check_form([alone]) is None
    result = submit(scene, alone)
    assert (result.error, reasons(result)) == (Rejected("transaction failed"), ["tx-size"])


def test_topology() -> None:
    scene = Scene()
    parent, child = family(scene)
    grandchild = scene.pay(out(child), out(parent, 1), total=900_000)
    stranger = scene.pay(scene.coin())
    assert is_child_with_parents([parent, child])
    assert not is_child_with_parents([child])
    assert not is_child_with_parents([stranger, child])
    assert is_child_with_parents([parent, child, grandchild])
    assert not is_child_with_parents_tree([parent, child, grandchild])
    assert is_child_with_parents_tree([parent, child])
    result = submit(scene, stranger, child)
    assert (result.error, result.about_package) == (
        Rejected("package-not-child-with-parents"),
        True,
    )
    assert not result.members


def test_child_pays_for_its_parent() -> None:
    scene = Scene()
    parent, child = family(scene)
    assert scene.reason(parent).startswith("min relay fee not met")
    result = submit(scene, parent, child)
    assert result.error is None
    assert [entry.txid for entry in result.admitted] == [parent.txid, child.txid]
    for transaction in (parent, child):
        member = result.members[transaction.wtxid]
        assert member.refused is None
        assert member.effective_includes == (parent.wtxid, child.wtxid)
        assert member.effective_feerate_sat_kvb == 2_000 * 1_000 // (parent.vsize + child.vsize)
    assert result.members[parent.wtxid].fee_sat == 0


def test_parent_that_pays_for_itself_comes_in_alone() -> None:
    scene = Scene()
    parent, child = family(scene, 1_000, 2_000)
    result = submit(scene, parent, child)
    assert result.error is None
    assert result.members[parent.wtxid].effective_includes == (parent.wtxid,)
    assert result.members[child.wtxid].effective_includes == (child.wtxid,)


def test_parent_does_not_pay_for_its_child() -> None:
    scene = Scene()
    parent, child = family(scene, 5_000, 0)
    result = submit(scene, parent, child)
    assert result.error == Rejected("transaction failed")
    assert not result.about_package
    assert sorted(reasons(result)) == ["", "min relay fee not met, 0 < 11"]
    assert parent.txid in scene.pool
    assert child.txid not in scene.pool


def test_too_little_together_is_not_verified() -> None:
    scene = Scene()
    parent, child = family(scene, 0, 15)
    plan = prepare_package(
        scene.pool, [parent, child], scene.looked_up(parent, child), scene.tip, scene.now
    )
    assert isinstance(plan, PackagePlan)
    assert plan.to_verify == ()
    result = submit(scene, parent, child)
    assert reasons(result) == ["min relay fee not met, 0 < 11", "min relay fee not met, 15 < 22"]
    assert result.members[child.wtxid].refused is not None
    assert len(scene.pool) == 0


def test_members_that_are_here_already() -> None:
    scene = Scene()
    parent, child = family(scene, 1_000)
    entry = scene.add(parent)
    result = submit(scene, parent, child)
    assert result.error is None
    member = result.members[parent.wtxid]
    assert (member.vsize, member.fee_sat) == (entry.vsize, 1_000)
    assert member.effective_feerate_sat_kvb is None
    assert [e.txid for e in result.admitted] == [child.txid]


def test_member_with_another_witness_is_here_already() -> None:
    scene = Scene()
    parent, child = family(scene, 1_000)
    entry = scene.add(parent)
    other = Transaction.build(
        2, [TxIn(parent.prevouts[0], b"", 0xFFFFFFFD, (b"x", bytes(33)))], parent.outputs
    )
    result = submit(scene, other, child)
    assert result.error is None
    assert result.members[other.wtxid].other_wtxid == entry.wtxid
    assert child.txid in scene.pool


def test_bad_scripts() -> None:
    scene = Scene()
    parent, child = family(scene)
    result = submit(scene, parent, child, bad=(child,))
    assert result.error == Rejected("transaction failed")
    assert result.members[child.wtxid].refused == _refused(BAD_SCRIPT.reason)
    assert len(scene.pool) == 0
    parent, child = family(scene, 1_000)
    result = submit(scene, parent, child, bad=(parent,))
    assert result.members[parent.wtxid].refused == _refused(BAD_SCRIPT.reason)
    assert len(scene.pool) == 0


def _refused(reason: str) -> Refused:
    return Refused(reason, "", Refusal.NONSTANDARD)


def test_failure_of_one_ends_the_package_but_not_what_can_stand_alone() -> None:
    scene = Scene()
    good, bad = scene.pay(scene.coin()), scene.pay(scene.coin(), version=4)
    child = scene.pay(out(good), out(bad), total=1_900_000)
    result = submit(scene, good, bad, child)
    assert result.error == Rejected("transaction failed")
    assert {e.txid for e in result.admitted} == {good.txid}
    assert str(result.members[bad.wtxid].refused) == "version"
    refused = result.members[child.wtxid].refused
    assert refused is not None
    assert refused.kind is Refusal.MISSING_INPUTS


def test_nothing_is_taken_together_once_one_has_failed_for_good() -> None:
    scene = Scene()
    first = scene.pay(scene.coin(), fee=0, outputs=2)
    second = scene.pay(out(first), fee=9_000, total=500_000)
    last = scene.pay(out(first, 1), out(second), total=900_000, version=4)
    result = submit(scene, first, second, last)
    assert result.error == Rejected("transaction failed")
    assert str(result.members[last.wtxid].refused) == "version"
    assert result.admitted == ()
    assert len(scene.pool) == 0


def test_one_that_comes_alone_is_judged_alone() -> None:
    scene = Scene()
    point = scene.coin()
    first = scene.add(scene.pay(point, fee=1_000))
    rival = scene.pay(point, fee=1_001)
    result = submit(scene, rival)
    assert (result.error, result.about_package) == (Rejected("transaction failed"), False)
    assert reasons(result)[0].startswith("insufficient fee")
    assert first.txid in scene.pool


def test_bound_on_what_the_caller_pays() -> None:
    scene = Scene()
    parent, child = family(scene, 1_000, 100_000)
    result = submit(scene, parent, child, max_feerate=50_000)
    assert str(result.members[child.wtxid].refused) == "max feerate exceeded"
    assert parent.txid in scene.pool
    vsize = child.vsize
    again = Scene()
    parent, child = family(again, 1_000, vsize * 50)
    assert reasons(submit(again, parent, child, max_feerate=50_000)) == ["", ""]


def test_dust_comes_in_with_the_child_that_spends_it() -> None:
    scene = Scene()
    parent = Transaction.build(
        3, [TxIn(scene.coin(), witness=WITNESS)], [TxOut(1_000_000, PAY), TxOut(0, PAY)]
    )
    inputs = [TxIn(out(parent, i), witness=WITNESS) for i in range(2)]
    careless = Transaction.build(3, inputs[:1], [TxOut(990_000, PAY)])
    result = submit(scene, parent, careless)
    assert result.error == Rejected("unspent-dust")
    refused = result.members[careless.wtxid].refused
    assert refused is not None
    assert refused.reason == "missing-ephemeral-spends"
    assert len(scene.pool) == 0
    assert submit(scene, parent, Transaction.build(3, inputs, [TxOut(990_000, PAY)])).error is None


def replaceable(scene: Scene, fee: int = 1_000) -> tuple[PoolEntry, Transaction]:
    """An entry, and a parent without fee that spends the same output."""
    point = scene.coin()
    old = scene.add(scene.pay(point, fee=fee))
    return old, scene.pay(point, fee=0, total=1_000_000)


def test_package_replaces() -> None:
    scene = Scene()
    old, parent = replaceable(scene)
    child = scene.pay(out(parent), fee=5_000, total=1_000_000)
    result = submit(scene, parent, child)
    assert result.error is None
    assert result.replaced == (old,)
    assert len(scene.pool) == 2


def test_package_must_pay_for_what_it_replaces() -> None:
    scene = Scene()
    _, parent = replaceable(scene, 6_000)
    child = scene.pay(out(parent), fee=5_000, total=1_000_000)
    result = submit(scene, parent, child)
    assert result.error == Rejected(
        "package RBF failed: insufficient anti-DoS fees",
        f"rejecting replacement {to_hex(child.txid)}, less fees than conflicting txs;"
        " 0.00005 < 0.00006",
    )
    assert result.about_package


def test_package_that_replaces_is_one_parent_and_one_child() -> None:
    scene = Scene()
    _, first = replaceable(scene)
    second = scene.pay(scene.coin(), fee=0)
    child = scene.pay(out(first), out(second), fee=9_000, total=2_000_000)
    result = submit(scene, first, second, child)
    assert result.error == Rejected("package RBF failed: package must be 1-parent-1-child")


def test_package_that_replaces_has_no_parents_in_the_pool() -> None:
    scene = Scene()
    _, parent = replaceable(scene)
    other = scene.add(scene.pay(scene.coin()))
    child = scene.pay(out(parent), out(other), fee=9_000, total=1_999_000)
    result = submit(scene, parent, child)
    assert result.error == Rejected(
        "package RBF failed: new transaction cannot have mempool ancestors"
    )


def test_package_that_replaces_improves_the_diagram() -> None:
    scene = Scene()
    _, parent = replaceable(scene, 3_000)
    child = scene.pay(out(parent), fee=5_000, total=1_000_000, pad=900)
    result = submit(scene, parent, child)
    assert result.error == Rejected(
        "package RBF failed: insufficient feerate: does not improve feerate diagram"
    )


def test_version_3_inside_a_package() -> None:
    scene = Scene()
    parent, child = family(scene, version=3)
    assert submit(scene, parent, child).error is None
    first = scene.pay(scene.coin(), fee=0, version=3)
    second = scene.pay(out(first), fee=2_000, version=2, total=1_000_000)
    result = submit(scene, first, second)
    assert result.error is not None
    assert (result.error.reason, result.about_package) == ("TRUC-violation", True)
    parents = [scene.pay(scene.coin(), fee=0, version=3) for _ in range(2)]
    both = scene.pay(*map(out, parents), fee=9_000, version=3, total=2_000_000)
    result = submit(scene, *parents, both)
    assert result.error is not None
    assert "would have too many ancestors" in result.error.detail


def test_package_replaces_a_bounded_number_of_clusters() -> None:
    for count, fits in ((100, True), (101, False)):
        scene = Scene()
        points = [scene.coin() for _ in range(count)]
        for point in points:
            scene.add(scene.pay(point, fee=500))
        parent = scene.pay(*points, fee=0, total=1_000_000 * count)
        child = scene.pay(out(parent), fee=200_000, total=1_000_000 * count)
        result = submit(scene, parent, child)
        if fits:
            assert result.error is None
            assert len(result.replaced) == 100
        else:
            assert result.error is not None
            assert result.error.reason == "package RBF failed: too many potential replacements"


def test_dust_of_a_package_is_spent_where_the_operator_asks_for_standard_forms() -> None:
    for require_standard in (True, False):
        scene = Scene(Policy(require_standard=require_standard))
        coin = TxIn(scene.coin(), b"", 0xFFFF_FFFD, WITNESS)
        parent = Transaction.build(2, [coin], [TxOut(1, PAY), TxOut(999_999, PAY)])
        careless = scene.pay(out(parent, 1), fee=2_000, total=999_999)
        result = submit(scene, parent, careless)
        assert (result.error is None) == (not require_standard)
        if require_standard:
            careful = scene.pay(out(parent), out(parent, 1), fee=2_000, total=1_000_000)
            assert submit(scene, parent, careful).error is None


def violation(result: PackageResult) -> str:
    assert result.error is not None
    assert (result.error.reason, result.about_package) == ("TRUC-violation", True)
    return result.error.detail


def test_version_3_does_not_spend_from_another_version_inside_a_package() -> None:
    for old, new, said in ((2, 3, "version=3 tx"), (3, 2, "non-version=3 tx")):
        scene = Scene()
        parent = scene.pay(scene.coin(), fee=0, version=old)
        child = scene.pay(out(parent), fee=2_000, version=new, total=1_000_000)
        assert violation(submit(scene, parent, child)).startswith(f"{said} {to_hex(child.txid)}")


def test_child_of_version_3_is_small_inside_a_package() -> None:
    for pad, fits in ((800, True), (950, False)):
        scene = Scene()
        parent = scene.pay(scene.coin(), fee=0, version=3)
        child = scene.pay(out(parent), fee=9_000, version=3, total=1_000_000, pad=pad)
        result = submit(scene, parent, child)
        assert (result.error is None) == fits
        if not fits:
            assert f"is too big: {child.vsize} > 1000 virtual bytes" in violation(result)


def test_family_of_version_3_has_two_members() -> None:
    scene = Scene()
    parent = scene.pay(scene.coin(), fee=1_000, version=3, outputs=2)
    half = parent.outputs[0].amount_sat
    first, second = (
        scene.pay(out(parent, index), fee=2_000, version=3, total=half) for index in range(2)
    )
    said = violation(dry_run(scene, parent, first, second))
    assert said == f"tx {named(parent)} would exceed descendant count limit"
    below = scene.pay(out(first), fee=2_000, version=3, total=half - 2_000)
    assert violation(dry_run(scene, parent, first, below)) == (
        f"tx {named(below)} would have too many ancestors"
    )


def test_family_of_version_3_is_counted_with_the_pool() -> None:
    scene = Scene()
    parent = scene.add(scene.pay(scene.coin(), version=3, outputs=2))
    child = scene.pay(out(parent), fee=2_000, version=3)
    below = scene.pay(out(child), fee=2_000, version=3, total=child.outputs[0].amount_sat)
    said = violation(dry_run(scene, child, below))
    assert said == f"tx {named(below)} would have too many ancestors"
    other = scene.pay(scene.coin(), fee=2_000)
    assert dry_run(scene, child, other).error is None


def test_a_package_evicts_no_sibling() -> None:
    scene = Scene()
    parent = scene.add(scene.pay(scene.coin(), version=3, outputs=2))
    scene.add(scene.pay(out(parent), version=3))
    second = scene.pay(out(parent, 1), fee=50_000, version=3)
    result = dry_run(scene, second, scene.pay(scene.coin()))
    assert (result.error, result.about_package) == (Rejected("transaction failed"), False)
    assert reasons(result) == [
        f"TRUC-violation, tx {named(parent.transaction)} would exceed descendant count limit"
    ]
    assert scene.reason(second) == ""  # Alone it does.


def test_what_is_alone_in_a_package_evicts_its_sibling() -> None:
    scene = Scene()
    parent = scene.add(scene.pay(scene.coin(), version=3, outputs=3))
    first = scene.add(scene.pay(out(parent), version=3))
    second = scene.pay(out(parent, 1), fee=5_000, version=3)
    result = submit(scene, second)
    assert (result.error, list(result.replaced)) == (None, [first])
    third = scene.pay(out(parent, 2), fee=9_000, version=3)
    result = submit(scene, parent.transaction, third)  # With a parent that is here already.
    assert result.error is None
    assert {entry.txid for entry in scene.pool.entries()} == {parent.txid, third.txid}


def test_a_child_of_version_3_may_be_as_large_as_its_limit_inside_a_package() -> None:
    for vsize, good in ((TRUC_CHILD_MAX_VSIZE, True), (TRUC_CHILD_MAX_VSIZE + 1, False)):
        scene = Scene()
        parent = scene.pay(scene.coin(), fee=0, version=3)
        bare = scene.pay(out(parent), version=3, pad=600, fee=9_000, total=1_000_000)
        child = scene.pay(
            out(parent), version=3, pad=600 + vsize - bare.vsize, fee=9_000, total=1_000_000
        )
        assert child.vsize == vsize
        result = submit(scene, parent, child)
        assert (result.error is None) == good
        assert len(scene.pool) == 2 * good


def test_cluster_limit_of_a_package() -> None:
    scene = Scene(Policy(cluster_count=2))
    parents = [scene.pay(scene.coin(), fee=0) for _ in range(2)]
    child = scene.pay(*map(out, parents), fee=9_000, total=2_000_000)
    result = submit(scene, *parents, child)
    assert (result.error, result.about_package) == (Rejected("too-large-cluster"), True)


def test_full_pool_crowds_a_package_out() -> None:
    scene = Scene(Policy(max_mempool_bytes=4_040_000))
    big = scene.add(scene.pay(scene.coin(), fee=90_000, pad=60_000))
    while scene.pool.usage_bytes + big.usage_bytes < 4_040_000:
        scene.add(scene.pay(scene.coin(), fee=90_000, pad=60_000))
    parent = scene.pay(scene.coin(), fee=0, pad=60_000)
    child = scene.pay(out(parent), fee=20_000, total=1_000_000)
    result = submit(scene, parent, child)
    assert result.error == Rejected("transaction failed")
    assert reasons(result) == ["mempool full", "mempool full"]
    assert result.admitted == ()
    assert result.evicted == ()


def test_test_of_one() -> None:
    scene = Scene()
    point = scene.coin()
    scene.add(scene.pay(point, fee=1_000))
    good = scene.pay(point, fee=2_000)
    result = dry_run(scene, good)
    assert result.error is None
    member = result.members[good.wtxid]
    assert (member.refused, member.fee_sat, member.vsize) == (None, 2_000, good.vsize)
    assert good.txid not in scene.pool
    assert reasons(dry_run(scene, scene.pay(point, fee=900))) == [
        str(scene.submit(scene.pay(point, fee=900)))
    ]
    assert reasons(dry_run(scene, good, bad=good)) == [BAD_SCRIPT.reason]


def test_test_of_a_list() -> None:
    scene = Scene()
    parent, child = family(scene, 1_000)
    grandchild = scene.pay(out(child), total=997_000)
    result = dry_run(scene, parent, child, grandchild)
    assert result.error is None
    assert reasons(result) == ["", "", ""]
    assert [m.effective_includes for m in result.members.values()] == [
        (t.wtxid,) for t in (parent, child, grandchild)
    ]
    result = dry_run(scene, parent, child, grandchild, bad=child)
    assert reasons(result) == ["", BAD_SCRIPT.reason]
    assert len(scene.pool) == 0


def test_test_of_a_list_stops_at_the_first_failure() -> None:
    scene = Scene()
    parent, child = family(scene, 0)
    result = dry_run(scene, parent, child)
    assert result.error == Rejected("transaction failed")
    assert reasons(result) == ["min relay fee not met, 0 < 11"]


def test_test_of_a_list_does_not_replace() -> None:
    scene = Scene()
    point = scene.coin()
    scene.add(scene.pay(point))
    result = dry_run(scene, scene.pay(scene.coin()), scene.pay(point, fee=9_000))
    assert reasons(result) == ["bip125-replacement-disallowed"]
