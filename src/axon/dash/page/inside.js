// One node from within: its peers, its newest blocks and their coins, its pool, memory, bandwidth.
// It asks again and again as long as it is seen; all that is drawn is there as text, too.

import { Flow } from "./flow.js";
import { Ring, inWords } from "./ring.js";
import { coins, count, draw, make, size } from "./words.js";

const LOOK_MS = 1000;
const POOL_EVERY = 5; // Looks.
const KEPT_LOOKS = 120;
const BLOCKS = 8;
const FRAME = `
<section><h2>Peers</h2>
<figure><svg class="ring" role="group" aria-label="The peers: arrow keys move, Enter selects, Escape clears"></svg>
<figcaption>Square: dialled by us. Circle: dialled us. The number: of how many of the newest 20 blocks
this peer told first; ! if it keeps us waiting for one. A thicker line: more bytes.</figcaption></figure>
<p class="chosen" role="status"></p>
<details><summary>All peers as a table</summary><div class="scroll"><table class="table-peers"><thead><tr><th>peer</th>
<th>address</th><th>network</th><th>way</th><th>ping</th><th>received</th><th>sent</th><th>first</th></tr></thead><tbody></tbody></table></div></details>
</section>
<div>
<section><h2>Blocks</h2>
<p class="none about">No block has come since this node started.</p>
<ol class="newest"></ol>
<div class="coins" hidden><h3></h3><p class="sums"></p><svg class="flow" role="img"></svg>
<details><summary>Its coins as a table</summary><div class="scroll"><table class="table-coins"><thead><tr><th>transaction</th><th>spends</th><th>makes</th></tr></thead><tbody></tbody></table></div></details></div>
</section>
<section class="pool"><h2>Pool</h2><p class="sums"></p><dl class="fees"></dl></section>
<section><h2>Memory and bandwidth</h2><dl class="graphs"></dl></section>
</div>
`;

export class Inside {
  // root: what it fills. ask(question): the answer, as a promise. looked(told, headline) and
  // failed(error): told after each look.
  constructor(root, ask, looked = () => {}, failed = () => {}) {
    Object.assign(this, { root, ask, looked, failed });
    this.looks = [];
    this.turn = 0;
    this.block = null;
    this.runs = false;
    root.classList.add("inside");
    root.innerHTML = FRAME;
    this.ring = new Ring(this.find(".ring"), () => this.chosen());
    this.flow = new Flow(this.find(".flow"));
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  start() {
    this.runs = true;
    this.step();
  }

  stop() {
    this.runs = false;
  }

  async step() {
    if (!this.runs) return;
    if (!document.hidden) await this.look();
    if (this.runs) setTimeout(() => this.step(), LOOK_MS);
  }

  async look() {
    try {
      const told = await this.ask("look");
      if (!this.runs) return;
      this.show(told);
      if (this.turn % POOL_EVERY === 0) this.fees(await this.ask("pool"));
      this.turn += 1;
      this.root.classList.remove("stale");
      this.looked(told, headline(told));
    } catch (error) {
      if (!this.runs) return;
      this.root.classList.add("stale");
      this.failed(error);
    }
  }

  show(told) {
    this.told = told;
    this.looks.push({ at: performance.now(), ...told });
    if (this.looks.length > KEPT_LOOKS) this.looks.shift();
    this.ring.show(told.peers, told.blocks, told.node);
    this.chosen();
    this.peerTable();
    this.blocks();
    this.means();
    const { pool } = told;
    this.find(".pool .sums").textContent =
      `${count(pool.transactions, "transaction")} of ${count(pool.vbytes, "virtual byte")}; ${size(pool.usage_bytes)} of ${size(pool.most_bytes)} of memory.`;
  }

  // --- Peers.

  chosen() {
    const peer = this.told?.peers.find((each) => each.id === this.ring.selected);
    const text = peer ? about(peer) : "Select a peer in the picture to see more of it.";
    if (this.find(".chosen").textContent !== text) this.find(".chosen").textContent = text;
  }

  peerTable() {
    const rows = this.told.peers.map((peer) =>
      make("tr", ...[peer.id, peer.address, peer.network === "not_publicly_routable" ? "local" : peer.network,
        peer.inbound ? "in" : "out", ping(peer), size(peer.bytes_received), size(peer.bytes_sent),
        peer.announced_first || ""].map((cell) => make("td", String(cell)))),
    );
    this.find(".table-peers tbody").replaceChildren(...rows);
  }

  // --- Blocks.

  blocks() {
    const list = this.find(".newest");
    const shown = this.told.blocks.slice(0, BLOCKS);
    this.find(".none").hidden = shown.length > 0;
    const names = shown.map((block) => `${block.hash}${block.relayed_to}${block.validation_ms}`).join();
    if (list.dataset.shown === names) return;
    list.dataset.shown = names;
    const focused = document.activeElement?.dataset?.hash;
    list.replaceChildren(...shown.map((block) => this.blockItem(block)));
    if (focused) list.querySelector(`[data-hash="${CSS.escape(focused)}"]`)?.focus();
  }

  blockItem(block) {
    const button = make("button", make("b", String(block.height)), make("span", `..${block.hash.slice(-8)}`), make("small", fate(block)));
    button.type = "button";
    button.dataset.hash = block.hash;
    button.setAttribute("aria-expanded", this.block === block.hash);
    if (block.refused) button.classList.add("bad");
    button.addEventListener("click", () => this.open(block.hash));
    return make("li", button);
  }

  async open(hash) {
    this.block = this.block === hash ? null : hash;
    for (const button of this.root.querySelectorAll(".newest button")) {
      button.setAttribute("aria-expanded", button.dataset.hash === this.block);
    }
    const box = this.find(".coins");
    if (this.block === null) {
      box.hidden = true;
      return;
    }
    try {
      const told = await this.ask(`block?hash=${hash}`);
      if (this.block === hash) this.coins(told);
    } catch (error) {
      this.find(".coins h3").textContent = `Block ..${hash.slice(-8)}`;
      this.find(".coins .sums").textContent = error.message;
      this.listed([]);
    }
    box.hidden = this.block === null;
  }

  coins(told) {
    this.find(".coins h3").textContent = `Coins of block ${told.height.toLocaleString("en")}`;
    this.find(".coins .sums").textContent =
      `${count(told.txs, "transaction")}. New: ${coins(told.subsidy)}. Fees: ${coins(told.totalfee)}. ` +
      `Beside what is new, ${count(told.ins, "coin")} spent and ${count(told.outs, "coin")} made.`;
    this.listed(told.transactions ?? []);
  }

  listed(transactions) {
    this.flow.show(transactions);
    this.find(".coins details").hidden = !transactions.length;
    const rows = transactions.map((each) =>
      make("tr", make("td", `..${each.txid.slice(-8)}`), make("td", each.mines ? "new coins and fees" : each.spent.map(coins).join(", ")),
        make("td", each.made.map(coins).join(", ") + (each.left_out ? `, and ${each.left_out} more` : ""))),
    );
    this.find(".table-coins tbody").replaceChildren(...rows);
  }

  // --- The pool, memory, bandwidth.

  fees({ groups }) {
    const shown = groups.filter((group) => group.vbytes);
    const most = Math.max(1, ...shown.map((group) => group.vbytes));
    const above = (least) => groups[groups.findIndex((group) => group.least === least) - 1]?.least;
    this.find(".fees").replaceChildren(
      ...shown.flatMap((group) => {
        const bar = make("i");
        bar.style.width = `${Math.max(1, (50 * group.vbytes) / most)}%`;
        const next = above(group.least);
        const range = next === undefined ? `${group.least} and more` : `${group.least} to ${next}`;
        return [make("dt", `${range} sat/vB`), make("dd", bar, count(group.vbytes, "vB").replace(/s$/, ""))];
      }),
    );
  }

  means() {
    const rates = (name) =>
      this.looks.slice(1).map((look, place) => {
        const before = this.looks[place];
        return Math.max(0, (1000 * (look[name] - before[name])) / (look.at - before.at));
      });
    const rate = (values, total) => `${size(values.at(-1) ?? 0)}/s; at most ${size(Math.max(0, ...values))}/s; in all ${size(total)}`;
    const memory = this.looks.map((look) => look.memory_bytes ?? 0);
    const received = rates("received_bytes");
    const sent = rates("sent_bytes");
    const rows = [
      ["Memory", memory, this.told.memory_bytes === null ? "not known here" : `${size(memory.at(-1))}; at most ${size(Math.max(...memory))}`],
      ["Received", received, rate(received, this.told.received_bytes)],
      ["Sent", sent, rate(sent, this.told.sent_bytes)],
    ];
    this.find(".graphs").replaceChildren(...rows.flatMap(([name, values, words]) => [make("dt", name), make("dd", graph(values), make("span", words))]));
  }
}

export function headline({ node, peers }) {
  const behind = node.headers - node.height;
  const where = node.syncs
    ? `first sync: block ${node.height.toLocaleString("en")} of ${node.headers.toLocaleString("en")} (${(100 * node.part).toFixed(1)} %)`
    : `block ${node.height.toLocaleString("en")}${behind > 0 ? `, ${count(behind, "block")} behind the best header` : ""}`;
  return `${node.program} on ${node.chain}, ${where}, ${count(peers.length, "peer")}`;
}

function about(peer) {
  const words = [inWords(peer), peer.address];
  if (peer.asn !== null) words.push(`AS${peer.asn}`);
  words.push(peer.transport === "v2" ? "encrypted (v2)" : peer.transport === "v1" ? "not encrypted (v1)" : "handshake goes on");
  words.push(`ping ${ping(peer) || "not known yet"}`);
  words.push(`received ${size(peer.bytes_received)}, mostly ${peer.most_received}`, `sent ${size(peer.bytes_sent)}, mostly ${peer.most_sent}`);
  return words.join("; ");
}

function ping(peer) {
  return peer.ping_ms === null ? "" : `${peer.ping_ms.toFixed(peer.ping_ms < 10 ? 1 : 0)} ms`;
}

function fate(block) {
  if (block.refused) return `refused: ${block.refused}`;
  const words = [block.first === null ? "found or given here" : `peer ${block.first} told first`];
  if (block.rebuilt) words.push(block.rebuilt.requested ? `${block.rebuilt.requested} transactions asked for` : "whole from the pool");
  if (block.validation_ms !== null) words.push(`judged in ${block.validation_ms.toFixed(block.validation_ms < 10 ? 1 : 0)} ms`);
  words.push(`passed on to ${block.relayed_to}`);
  return words.join(", ");
}

// The last two minutes, from nothing up to the most that was seen.
function graph(values) {
  const svg = draw("svg", { class: "graph", viewBox: "0 0 240 40", "aria-hidden": "true", preserveAspectRatio: "none" });
  const most = Math.max(1, ...values);
  const points = values.map((value, place) => `${240 - 2 * (values.length - 1 - place)},${39 - (37 * value) / most}`);
  svg.append(draw("line", { class: "axis", x1: 0, y1: 39.5, x2: 240, y2: 39.5 }));
  if (points.length > 1) svg.append(draw("polyline", { points: points.join(" ") }));
  return svg;
}
