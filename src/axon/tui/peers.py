"""The nodes that serve the wallet, and the wallets that do."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult

from axon.rpc.deliverytext import nodes_text
from axon.tui.asking import View
from axon.tui.model import Partner, Peer, Sync
from axon.tui.pane import Line, Pane
from axon.tui.table import Column, LiveTable, Row
from axon.tui.wording import StyledText, Tone, peer_agrees, peer_filters, ping

_COLUMNS: Final = (
    Column("Node", grows=True),
    Column("Agent"),
    Column("Height", right=True),
    Column("Filters"),
    Column("Agrees"),
    Column("Ping", right=True),
)

_MAX_AGENT: Final = 24
"""Characters; a peer may call itself by 256."""


def peer_row(peer: Peer) -> Row:
    """The cells of one node."""
    return (
        StyledText(peer.address),
        StyledText(peer.agent[:_MAX_AGENT]) if peer.agent else StyledText("handshake", Tone.DIM),
        StyledText(f"{peer.height:,}" if peer.height >= 0 else ""),
        peer_filters(peer),
        peer_agrees(peer),
        StyledText(ping(peer)),
    )


def partner_row(partner: Partner) -> Row:
    """The cells of a wallet to which there is a link."""
    given = f"{partner.filters:,}" if partner.filters else "none yet"
    return (
        StyledText(partner.place),
        StyledText("a wallet"),
        StyledText(f"+{partner.headers:,}" if partner.headers else ""),
        StyledText(given, Tone.DIM),
        StyledText(""),
        StyledText(""),
    )


def summary(sync: Sync) -> StyledText:
    """What the nodes are together."""
    if not sync.peers:
        return StyledText("No node is connected", Tone.WARN)
    summary = f"{nodes_text(sync.peers).capitalize()}: filters from {sync.filter_peers}"
    return StyledText(f"{summary}, of which {sync.agreed} agree with all that is known", Tone.DIM)


class PeersPane(Pane):
    """The screen of nodes: how many agree, and a row for each; then the wallets."""

    TITLE = "Peers"
    ENTRY = "LiveTable"

    DEFAULT_CSS = """
    PeersPane #together { height: 1; margin: 1 0; }
    """

    def compose(self) -> ComposeResult:
        """A line of summary above the table."""
        yield Line(id="together")
        yield LiveTable(*_COLUMNS)

    def show(self, view: View) -> None:
        """Draw the latest answers of the wallet."""
        self.query_one("#together", Line).say(summary(view.sync))
        nodes = {str(each.number): peer_row(each) for each in view.peers}
        wallets = {each.address: partner_row(each) for each in view.partners if each.connected}
        self.query_one(LiveTable).show_rows(nodes | wallets)
