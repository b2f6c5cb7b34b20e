"""Messages signed with the key of an address, in the format of old."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axon.rpc.amounts import Json
from axon.rpc.corewallet.access import require_unlocked
from axon.rpc.corewallet.reach import wallet_of
from axon.rpc.corewallet.scripts import script_from
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.methods.keys import message_hash

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk


@method("wallet")
async def signmessage(daemon: Daemon, call: Call, address: str, message: str) -> Json:
    """Sign a message with the private key of an address. Requires wallet passphrase to be set with
    walletpassphrase call if wallet is encrypted.

    Args:
        address: The bitcoin address to use for the private key: pay to public key hash.
        message: The message to create a signature of.

    Returns:
        "str"    (string) The signature of the message encoded in base 64
    """
    wallet = wallet_of(daemon, call)
    script = script_from(address, daemon.node.network, "Invalid address")
    return await wallet.ask(_Sign(script, message))


@dataclass(frozen=True, slots=True)
class _Sign:
    script: bytes
    message: str

    def run(self, desk: DescriptorDesk) -> str:
        require_unlocked(desk)
        if len(self.script) != 25 or not self.script.startswith(b"\x76\xa9\x14"):
            raise RpcError(Code.TYPE, "Address does not refer to key")
        signature = desk.sign_digest(self.script, message_hash(self.message))
        if signature is None:
            raise RpcError(Code.NOT_FOUND, "Private key not available")
        return b64encode(signature).decode()
