# ruff: noqa: E501 One option, one line.
"""Options of Bitcoin Core that axon does not do, and what becomes of them at a start.

None is taken in silence where it asks for something that would then not happen. A line says

- `silent`: nobody could see a difference, or the option is of a part that axon does not have;
- `warned`: the node starts, and says on standard error, in its log and in the field `warnings` of
  its answers that this is not done;
- `refused`: a node that starts without it would not be what was asked for.

Behind that stands which values ask for no more than what is done anyway, and so pass: `off`,
`none` for a negated or an empty one, or a number. Why it is so:
docs/decisions/no-option-in-silence.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from axon.cli.conf import Settings
from axon.cli.options import as_text
from axon.errors import ConfigError


class Fate(Enum):
    """What becomes of an option that is not done."""

    SILENT = "silent"
    WARNED = "warned"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Undone:
    """One option that is not done.

    Args:
        name: without dashes.
        passing: values that ask for nothing else than what is done: see the module.
        reason: why it is not done, or what to do instead.
    """

    name: str
    fate: Fate
    passing: tuple[str, ...]
    reason: str

    def is_asked(self, settings: Settings) -> bool:
        """Whether the option is set, and to a value that asks for something."""
        if settings.value(self.name) is None:
            return False
        return not any(self._passes(settings, each) for each in self.passing)

    def _passes(self, settings: Settings, each: str) -> bool:
        match each:
            case "off":
                return not settings.flag(self.name, False)
            case "none":
                return settings.value(self.name) is False or not settings.text(self.name)
            case _:
                return settings.number(self.name, 0) == int(each)


_TABLE: Final = """
dbbatchsize         silent          libbitcoinkernel decides how much it writes at once
fastprune           refused off     the size of block files is built into libbitcoinkernel

maxreceivebuffer    warned  5000    what may wait of a peer has a bound over all peers, which cannot be changed
maxsendbuffer       warned  1000    what may wait for a peer has a bound over all peers, which cannot be changed
natpmp              warned  off     forward the port in the router by hand
txreconciliation    warned  off     BIP 330 is not spoken, transactions are announced to every peer

acceptstalefeeestimates warned off  fees are estimated from the last blocks and the pool, and no estimates are kept on disk
limitancestorcount  silent          of Bitcoin Core's wallet alone since clusters have limits
limitancestorsize   warned          ancestor size limits have been replaced with cluster size limits (see -limitclustersize)
limitdescendantcount silent         of Bitcoin Core's wallet alone since clusters have limits
limitdescendantsize warned          descendant size limits have been replaced with cluster size limits (see -limitclustersize)


rpcdoccheck         silent          of Bitcoin Core's own help texts

capturemessages     refused off     messages are not written to disk
checkaddrman        silent          checks of Bitcoin Core's own tables
checkblockindex     silent          libbitcoinkernel decides when it checks itself
checkmempool        silent          checks of Bitcoin Core's own pool
checkpoints         warned          checkpoints were removed
logratelimit        silent          what a stranger can have logged is bounded where it is logged
test                warned  none    its options are for tests of Bitcoin Core itself

signer              refused none    no signing device is asked
unsafesqlitesync    silent          a wallet's file is always written safely
walletcrosschain    warned  off     a wallet is opened on its own chain only


choosedatadir       silent          of Bitcoin Core's window
dbcrashratio        refused 0       axon does not crash on purpose
forcecompactdb      silent          databases compact themselves
ipcbind             refused none    there is no IPC; miners ask getblocktemplate, long poll included
lang                silent          of Bitcoin Core's window
min                 silent          of Bitcoin Core's window
resetguisettings    silent          of Bitcoin Core's window
splash              silent          of Bitcoin Core's window
uiplatform          silent          of Bitcoin Core's window
"""

_WORN: Final = {
    "checkpoints": "Option '-checkpoints' is set but {}.",
    "limitancestorsize": "Option '-limitancestorsize' is given but {}.",
    "limitdescendantsize": "Option '-limitdescendantsize' is given but {}.",
}
"""What Bitcoin Core has given up, in its words."""


def _read(line: str) -> Undone:
    name, fate, *words = line.split()
    passing = []
    while words[0] in ("off", "none") or words[0].isdecimal():
        passing.append(words.pop(0))
    return Undone(name, Fate(fate), tuple(passing), " ".join(words))


UNDONE: Final = {
    undone.name: undone for undone in (_read(line) for line in _TABLE.splitlines() if line)
}
"""Every option that is known and not done, by name."""


def judge_undone(settings: Settings) -> list[str]:
    """A warning for each option that asks for what is not done.

    Raises:
        ConfigError: one of them is refused.
    """
    warnings: list[str] = []
    for undone in UNDONE.values():
        if undone.fate is Fate.SILENT or not undone.is_asked(settings):
            continue
        if undone.fate is Fate.REFUSED:
            value = settings.value(undone.name)
            shown = f"={as_text(value)}" if value else ""
            raise ConfigError(
                f"-{undone.name}{shown} is not done: {undone.reason}. Start without it."
            )
        form = _WORN.get(undone.name, f"Option '-{undone.name}' is set but not done: {{}}.")
        warnings.append(f"{form.format(undone.reason)} This option has no effect.")
    return warnings
