# ruff: noqa: E501 One option, one line.
"""The list of all options of a node, in the order of the help text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from axon.cli.options import Category, Option, OptionKind
from axon.cli.undone import UNDONE

_WIDTH: Final = 79
_INDENT: Final = 7

_GENERAL: Final = """
help          flag      |              | Print this help and exit (also -h, -?)
version       flag      |              | Print the version and exit
alertnotify   value     | <cmd>        | Run this command when a warning comes up; %s in it becomes the warning
allowignoredconf flag   |              | Start although the data directory has a bitcoin.conf that is not read (default: 0)
assumevalid   value     | <hex>        | Accepted as in Bitcoin Core; which blocks' scripts need no check is built into libbitcoinkernel
blocksdir     value     | <dir>        | Keep block files in this folder, which must exist (default: the data directory)
blocknotify   value     | <cmd>        | Run this command when the best block changes; %s in it becomes the block's hash
blockreconstructionextratxn value | <n>    | Transactions to keep beside the pool to make compact blocks whole (default: 100)
blocksonly    flag      |              | Ask for no transactions and take none from peers without the relay permission (default: 0)
blocksxor     flag      |              | Mask new block files with random bytes (default: 0; what is there stays as it is)
blockfilterindex optional | <type>     | Keep an index of compact block filters, basic or 0 for none (default: basic)
coinstatsindex flag     |              | Keep an index of what the coins are in sum at each block, for gettxoutsetinfo (default: 0)
conf          value     | <file>       | Read this configuration file, relative to the data directory (default: bitcoin.conf)
daemon        flag      |              | Run in the background (default: 0)
daemonwait    flag      |              | The same as -daemon (default: 0)
dash optional net | <port> | Show this node as a page on this machine, for whoever may read its folder (default: 0; without a value port 8381)
datadir       value !negated | <dir>   | Keep everything in this folder (default: ~/.axon)
dbcache       value     | <n>          | Keep up to this many MiB of coins in memory before they are written, 4 at least (default: 450)
debuglogfile  value     | <file>       | Write the log here, relative to the network's folder; -nodebuglogfile writes none (default: debug.log)
electrum      list optional net | <addr>[:<port>] | Serve Electrum wallets without encryption, and build the index of scripts that this needs; may be given several times (default: 0; without a value 127.0.0.1:50001, other networks 51001)
electrumcert  value     | <file>       | The certificate of -electrumtls in PEM form, relative to the network's folder (default: a self-signed one is made)
electrumkey   value     | <file>       | Its key in PEM form (default: in the file of the certificate)
electrumtls   list optional net | <addr>[:<port>] | The same as -electrum, encrypted (default: 0; without a value 127.0.0.1:50002, other networks 51002)
includeconf   list      | <file>       | Read this file too (only in the configuration file)
loadblock     list      | <file>       | Read the blocks of this file at the start
maxmempool    value     | <n>          | Keep the pool of unconfirmed transactions below this many megabytes (default: 300)
mempoolexpiry value     | <n>          | Drop transactions that have waited this many hours (default: 336)
metrics optional net     | <addr>[:<port>] | Serve metrics for Prometheus at /metrics and a health check at /healthz, without a password (default: 0; without a value 127.0.0.1:9332)
minimumchainwork value  | <hex>        | Believe no chain with less work than this (default: by network)
par           value     | <n>          | Threads that check scripts, 0 for as many as there are cores, below 0 to leave so many free (default: 0)
persistmempool flag     |              | Keep the pool over a restart (default: 1)
persistmempoolv1 flag   |              | Write the pool in the older form, version 1 (default: 0)
pid           value     | <file>       | Write the process id here, relative to the network's folder (default: axon.pid)
prune         value     | <n>          | Take old blocks off the disk: 0 for none, 1 when pruneblockchain asks, from 550 on so that block files stay below this many MiB (default: 0)
reindex       flag      |              | Build all that is known of blocks anew from the blocks on disk (default: 0)
reindex-chainstate flag |              | The same, without the index of blocks (default: 0)
settings      value     | <file>       | Read further settings from this file, relative to the network's folder; -nosettings reads none (default: settings.json)
shutdownnotify list    | <cmd>        | Run this command when the node begins to stop, and wait for it
startupnotify value     | <cmd>        | Run this command once the node has started
txindex       flag      |              | Keep an index of all transactions in blocks, for getrawtransaction (default: 0)
txospenderindex flag    |              | Keep an index of who spends outputs in blocks, for gettxspendingprevout (default: 0)
"""

_CHAIN: Final = """
chain         value     | <chain>      | main, test, testnet4, signet or regtest (default: main)
regtest       flag      |              | The same as -chain=regtest
signet        flag      |              | The same as -chain=signet
signetchallenge list    | <hex>        | Be on the signet whose blocks satisfy this script, in place of the public one
signetseednode list     | <host>[:<port>] | Look for nodes of signet under this name, and not under the usual ones
testactivationheight list | <name>@<height> | Let a rule hold from this height on: bip34, cltv, csv, dersig or segwit (regtest only)
testnet       flag      |              | The same as -chain=test
testnet4      flag      |              | The same as -chain=testnet4
vbparams      list      | testdummy:<start>:<end>[:<height>] | When signals for testdummy begin to count and when it has failed, as times, and from which height it may hold (regtest only)
"""

_CONNECTION: Final = """
addnode       list net  | <ip>         | Keep a connection to this node
asmap         value     | <file>       | Group addresses by autonomous system as this map says, relative to the network's folder (default: none)
bantime       value     | <n>          | Seconds that a ban set by hand lasts (default: 86400)
bind          list net  | <addr>[:<port>][=onion] | Listen on this address; with =onion who arrives there came through Tor (default: all, and the port above it on 127.0.0.1 for Tor)
cjdnsreachable flag     |              | Take fc00::/8 for CJDNS, which this machine is on, and not for private IPv6 (default: 0)
connect       list net  | <ip>         | Dial only these nodes; -noconnect dials none
discover      flag      |              | Tell peers the addresses of this machine, and believe them how they see us (default: 1 if we listen, but 0 with -proxy or -externalip)
dns           flag      |              | Look up names given to -addnode, -connect and -seednode; where a proxy is set it does that, and nobody else (default: 1)
dnsseed       flag      |              | Look for nodes in DNS when few are known (default: 1, but 0 with -connect or -maxconnections=0)
externalip    list      | <ip>         | An address under which peers can reach this node
fixedseeds    flag      |              | Fall back on the list of nodes that comes with axon (default: 1)
forcednsseed  flag      |              | Look in DNS even if nodes are known (default: 0)
i2pacceptincoming flag  |              | Let peers connect over I2P, where -i2psam is set (default: 1, but 0 with -listen=0)
i2psam        value     | <ip:port>    | Reach peers on I2P through the SAM bridge of this I2P router
inboundrelaypercent value | <n>        | Let this share of those who connect have transactions, which cost more than blocks (0 to 100, default: 50)
lab           flag      |              | Treat loopback addresses as if the world could reach them (regtest only, default: 0)
listen        flag      |              | Let peers connect (default: 1, but 0 with -proxy, -connect or -maxconnections=0)
listenonion   flag      |              | Have Tor make an onion service, by its control port (default: 1, but 0 with -listen=0 or -lab)
maxconnections value    | <n>          | Keep at most this many connections, besides those made by hand (default: 200)
maxuploadtarget value   | <n>          | Upload no more than this in 24 hours, with a unit of k, m, g, t or K, M, G, T (default: 0M, no limit)
networkactive flag      |              | Speak to the network at all (default: 1)
onion         value     | <ip:port>    | Reach onion services through this SOCKS5 proxy, or a Unix socket as unix:<path>; -noonion reaches none (default: -proxy)
onlynet       list      | <net>        | Dial of our own accord only in this network: ipv4, ipv6, onion, i2p or cjdns
peerblockfilters flag   |              | Serve compact block filters (default: 1, but 0 with -blockfilterindex=0)
peerbloomfilters flag   |              | Let light clients set bloom filters, and give them blocks and transactions by these (default: 0)
peertimeout   value     | <n>          | Seconds in which a new peer has to speak (default: 60)
port          value net | <port>       | Listen here (default: 8333, test: 18333, testnet4: 48333, signet: 38333, regtest: 18444)
privatebroadcast flag   |              | Send transactions of sendrawtransaction to strangers on Tor and I2P alone, a connection for each, so that nothing leads back here (default: 0)
proxy         list      | <ip:port>[=<net>] | Dial through this SOCKS5 proxy, or a Unix socket as unix:<path>; with =ipv4, =ipv6, =onion or =cjdns in this network only
proxyrandomize flag     |              | Give the proxy other credentials for each connection, so that Tor leads each over another circuit (default: 1)
seednode      list      | <ip>         | Ask this node for addresses and leave again
staletiprelay flag      |              | Hear of branches of the chain that lost, and tell peers who want to (BIP 332, not on signet, default: 1 on mainnet, else 0)
timeout       value     | <n>          | Milliseconds in which a connection has to stand, to a peer or to the proxy (default: 5000)
torcontrol    value     | <ip:port>    | Where the control port of Tor is (default: 127.0.0.1:9051)
torpassword   value secret | <pw>      | The password of the control port (default: none, its cookie is used)
v2onlyclearnet flag     |              | Have no connection on IPv4 and IPv6 that is not encrypted, to whichever side (default: 0)
v2transport   flag      |              | Encrypt connections to peers that can do so, too (BIP 324, default: 1)
whitebind     list      | <[permissions@]addr> | Listen here, and give these permissions to who connects here
whitelist     list      | <[permissions@]net> | Give permissions to peers of this address or network: addr, bloomfilter, download, forcerelay, mempool, noban, relay, and in, out
"""

_RELAY: Final = """
acceptnonstdtxn flag    |              | Relay and mine transactions of unusual form (not on mainnet, default: 0)
announcepool  flag      |              | Tell peers who come of what waits in the pool, best first (default: 0, but 1 with -lab)
bytespersigop value     | <n>          | Count a signature operation as this many bytes (default: 20)
datacarrier   flag      |              | Relay transactions that carry data (default: 1)
datacarriersize value   | <n>          | Bytes of data that one may carry (default: 100000)
dustrelayfee  value     | <amt>        | An output is dust if spending it costs more than its value at this rate, in BTC/kvB (default: 0.00003)
incrementalrelayfee value | <amt>      | What a replacement has to pay more, in BTC/kvB (default: 0.000001)
limitclustercount value | <n>          | Transactions that may hang together in the pool (at most 64, default: 64)
limitclustersize value  | <n>          | Their size together, in kvB (default: 101)
minrelaytxfee value     | <amt>        | Relay nothing that pays less, in BTC/kvB (default: 0.000001)
permitbaremultisig flag |              | Relay multisig outputs that are not behind a hash (default: 1)
whitelistforcerelay flag |             | Give the permission forcerelay where -whitelist names none (default: 0)
whitelistrelay flag     |              | Give the permission relay where -whitelist names none (default: 1)
"""

_MINING: Final = """
blockmaxweight value    | <n>          | Make blocks no heavier than this (default: 4000000)
blockmintxfee value     | <amt>        | Mine nothing that pays less, in BTC/kvB (default: 0.00000001)
blockreservedweight value | <n>        | Leave this much room for header and coinbase (default: 8000)
blockversion  value     | <n>          | Give blocks this version (regtest only)
printpriority flag      |              | Log the feerate of each transaction that is put into a block (default: 0)
"""

_RPC: Final = """
deprecatedrpc list      | <name>       | Answer as earlier versions did: warnings makes that field a text
rest          flag      |              | Answer questions at /rest/... on the port of the calls, to whoever may connect, without a password (default: 0)
rpcallowip    list      | <ip>         | Let these addresses call: an IP, or a network as IP/bits or IP/mask
rpcauth       list secret | <userpw>   | A user and the hash of the password: USER:SALT$HASH
rpcbind       list net  | <addr>[:port] | Listen here for calls; only together with -rpcallowip (default: this machine only)
rpccookiefile value     | <file>       | The cookie, relative to the network's folder; -norpccookiefile makes none (default: .cookie)
rpccookieperms value    | <who>        | Who may read the cookie: owner, group or all (default: owner)
rpcpassword   value secret | <pw>      | Password of -rpcuser; then there is no cookie
rpcport       value net | <port>       | Listen here for calls (default: 8332, test: 18332, testnet4: 48332, signet: 38332, regtest: 18443)
rpcservertimeout value  | <n>          | Seconds in which a request has to come in, the first and each further one (default: 30)
rpcthreads    value     | <n>          | Calls under way at once (default: 16)
rpcuser       value secret | <user>    | Name for calls
rpcwhitelist  list      | <user:methods> | Methods that this user may call, separated by commas
rpcwhitelistdefault flag |             | Users without a list may call nothing (default: 1 if there is a list)
rpcworkqueue  value     | <n>          | Calls that may wait besides (default: 64)
server        flag      |              | Answer calls (default: 1)
"""

_ZMQ: Final = """
zmqpubhashblock list     | <address>    | Publish the hash of each new tip, at this address: tcp://<ip>:<port>, or unix:<path>
zmqpubhashtx list     | <address>    | Publish the id of each transaction that enters the pool, or is in a block that joins or leaves the chain, at this address: tcp://<ip>:<port>, or unix:<path>
zmqpubrawblock list     | <address>    | Publish each new tip as a whole block, at this address: tcp://<ip>:<port>, or unix:<path>
zmqpubrawtx list     | <address>    | Publish each transaction that enters the pool, or is in a block that joins or leaves the chain, at this address: tcp://<ip>:<port>, or unix:<path>
zmqpubsequence list     | <address>    | Publish each block that joins or leaves the chain and each transaction that enters or leaves the pool, in order, at this address: tcp://<ip>:<port>, or unix:<path>
zmqpubhashblockhwm value | <n>          | Messages of it that may wait for one subscriber, 0 for any number (default: 1000)
zmqpubhashtxhwm value | <n>          | Messages of it that may wait for one subscriber, 0 for any number (default: 1000)
zmqpubrawblockhwm value | <n>          | Messages of it that may wait for one subscriber, 0 for any number (default: 1000)
zmqpubrawtxhwm value | <n>          | Messages of it that may wait for one subscriber, 0 for any number (default: 1000)
zmqpubsequencehwm value | <n>          | Messages of it that may wait for one subscriber, 0 for any number (default: 1000)
"""

_WALLET: Final = """
addresstype   value     |              | Type of new addresses: legacy, p2sh-segwit, bech32 or bech32m (default: bech32)
avoidpartialspends flag |              | Spend all coins of an address at once, or none (default: 0)
changetype    value     |              | Type of addresses for change, as for -addresstype (default: like what is paid)
consolidatefeerate value |             | Expect to pay this rate one day, in BTC/kvB: payments that pay more spend few coins, those that pay less rather more (default: 0.0001)
disablewallet flag      |              | Keep no wallets, and answer none of their calls (default: 0)
discardfee    value     | <amt>        | Leave change to the miner that costs more to spend at this rate, in BTC/kvB (default: 0.0001)
fallbackfee   value     | <amt>        | Pay this rate where none can be estimated, in BTC/kvB; 0 to pay nothing then (default: 0.00)
keypool       value     | <n>          | Look for so many addresses of each descriptor beyond the last used one (default: 1000)
maxapsfee     value     | <amt>        | Spend all coins of an address at once where that costs no more than this, in BTC; -1 for never (default: 0.00)
maxtxfee      value     | <amt>        | Pay no higher fee, in BTC (default: 0.10)
mintxfee      value     | <amt>        | Pay no lower rate, in BTC/kvB (default: 0.00001)
spendzeroconfchange flag |             | Spend change that is in no block yet (default: 1)
txconfirmtarget value   | <n>          | Pay enough to be in one of so many blocks (default: 6)
wallet        list net  | <name>       | Load this wallet at the start
walletbroadcast flag    |              | Hand payments of wallets to the network (default: 1)
walletdir     value net | <dir>        | Keep wallets in this folder, which must exist (default: wallets, in the network's folder)
walletnotify  value     | <cmd>        | Run this command for each transaction of a wallet, new, in the pool and in a block; %s in it becomes its id, %w the wallet, %b and %h its block and height
walletrejectlongchains flag |          | Make no payment that would be in too long a chain of the pool (default: 1)
walletrbf     flag      |              | Say of payments that they may be replaced (default: 1)
"""

_DEBUG: Final = """
debug         list optional | <category> | Log this category too, or all
debugexclude  list      | <category>   | But not this one
checkblocks   value     | <n>          | Look at so many blocks when the node starts, 0 for all (default: 6)
checklevel    value     | <n>          | How closely, 0 to 4; see the call verifychain (default: 3)
help-debug    flag      |              | Print this help and exit
logips        flag      |              | Write addresses of peers into the log (default: 0)
loglevel      list !negated | <level>  | Accepted as in Bitcoin Core: trace, debug or info, alone or behind a category
loglevelalways flag     |              | Write category and level on every line (default: 0)
logsourcelocations flag |              | Write where in the program a line comes from (default: 0)
logthreadnames flag     |              | Write the name of the thread (default: 0)
logtimemicros flag      |              | Write microseconds (default: 0)
logtimestamps flag      |              | Write the time (default: 1)
maxsigcachesize value   | <n>          | Keep so many MiB of signatures and scripts that were verified; on Linux (default: 32)
maxtipage     value     | <n>          | The first sync goes on while the tip is older than this many seconds (default: 86400)
mocktime      value     | <n>          | Seconds since 1970, instead of the clock (default: 0)
printtoconsole flag     |              | Write the log to standard output (default: 1, but 0 with -daemon, and on a terminal, where progress is shown instead)
shrinkdebugfile flag    |              | Cut a long log at the start (default: 1, but 0 with -debug)
stopafterblockimport flag |            | Stop once the blocks on disk, and those of -loadblock, are read (default: 0)
stopatheight  value     | <n>          | Stop at this height (default: 0 for none)
txsendrate    value     | <n>          | Announce at most so many transactions a second to those who connect, two and a half times as many to others (default: 14)
uacomment     list      | <text>       | Add a comment to the name this node goes by
"""


def _read(category: Category, table: str) -> Iterator[Option]:
    for line in table.strip().splitlines():
        head, _, rest = line.partition("|")
        placeholder, _, text = (part.strip() for part in rest.partition("|"))
        name, first, *more = head.split()
        yield Option(
            name,
            OptionKind[("optional" if "optional" in more else first).upper()],
            category,
            placeholder,
            text,
            network_only="net" in more,
            negatable="!negated" not in more,
            secret="secret" in more,
        )


_TABLES: Final = {
    Category.GENERAL: _GENERAL,
    Category.CHAIN: _CHAIN,
    Category.CONNECTION: _CONNECTION,
    Category.RELAY: _RELAY,
    Category.MINING: _MINING,
    Category.RPC: _RPC,
    Category.ZMQ: _ZMQ,
    Category.WALLET: _WALLET,
    Category.DEBUG: _DEBUG,
}

OPTIONS: Final[dict[str, Option]] = {
    option.name: option for category, table in _TABLES.items() for option in _read(category, table)
} | {name: Option(name, OptionKind.OPTIONAL) for name in (*UNDONE, "h", "?")}
"""Every option, by name: those that are done, with a help text; and `UNDONE`."""


def help_message() -> str:
    """What `-help` prints about the options that axon has a use for."""
    lines: list[str] = []
    for category in Category:
        lines += [f"{category.value}:", ""]
        for option in OPTIONS.values():
            if option.category is category and option.help is not None:
                value = f"={option.placeholder}" if option.placeholder else ""
                indent = " " * _INDENT
                lines.append(f"  -{option.name}{value}")
                lines += textwrap.wrap(
                    option.help, _WIDTH, initial_indent=indent, subsequent_indent=indent
                )
                lines.append("")
    return "\n".join(lines)
