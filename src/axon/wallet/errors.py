"""What a wallet refuses: one sentence each, which says what was expected and what to do.

Callers tell these apart to ask again (a passphrase), to show a field in red (an amount, an address)
or to offer a way out (less money, more fee). Everything else is the plain `WalletError`.
"""

from __future__ import annotations

from axon.errors import WalletError


class NoWallet(WalletError):
    """The store holds no wallet yet, or already holds one where a new one should go."""


class WrongPassphrase(WalletError):
    """The passphrase does not open what was sealed with another."""


class WatchOnly(WalletError):
    """A key is needed and this wallet has none: it only watches."""


class KeysLocked(WalletError):
    """A key is needed and the passphrase that opens it was not given."""


class NoAddresses(WalletError):
    """The wallet gives out no address of this type."""


class SighashMismatch(WalletError):
    """A PSBT asks for signatures of another kind than who has it signed."""


class PaymentRefused(WalletError):
    """A payment that cannot be built as it is asked for; said in Bitcoin Core's words."""


class BadMnemonic(WalletError):
    """The words are no mnemonic (BIP 39)."""


class BadEntropy(WalletError):
    """Rolls or digits that are no chance, or too little of it, to make words of."""


class BadDescriptor(WalletError):
    """A descriptor that cannot be watched: malformed, of another network, or with a private key."""


class BadAddress(WalletError):
    """No address, or one of another network, which is then named."""


class BadAmount(WalletError):
    """An amount that is ambiguous, too precise, negative, too large, or dust."""


class BadFee(WalletError):
    """A fee that is absurdly high, or too low for what is asked."""


class BadLabel(WalletError):
    """A label, or what it should be put on, has no valid form."""


class BadPsbt(WalletError):
    """Bytes that are no PSBT, or a PSBT that does not fit what is asked of it."""


class UnknownTransaction(WalletError):
    """No transaction of this name is in the wallet."""


class NotReplaceable(WalletError):
    """A transaction whose fee cannot be raised any more, or never could by us."""


class CoinUnavailable(WalletError):
    """A chosen coin is not there, is spent, frozen, immature or not to be trusted yet."""


class AddressGap(WalletError):
    """So many addresses in a row are unused that a restored wallet might not find the next one."""


class BadGap(WalletError):
    """So many addresses cannot be looked for."""


class InsufficientFunds(WalletError):
    """More is asked for than can be spent.

    Args:
        needed_sat: the amount, and the fee where it is known.
        spendable_sat: what can be spent now.
        aside: why other coins cannot, with how much is in each; empty if there are none.
        way_out: what to do.
    """

    def __init__(
        self,
        needed_sat: int,
        spendable_sat: int,
        aside: str = "",
        way_out: str = "send less, or wait for confirmations",
    ) -> None:
        rest = f"; besides there are {aside}" if aside else ""
        super().__init__(
            f"{needed_sat} sat and the fee are needed, {spendable_sat} sat can be spent{rest}:"
            f" {way_out}"
        )
        self.needed_sat = needed_sat
        self.spendable_sat = spendable_sat
        self.aside = aside
