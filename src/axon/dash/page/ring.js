// The peers of a node around it, a part of the ring for each network. A square is a peer that we
// dialled, a circle one that dialled us; the number in it is of how many of the newest blocks it
// told us first.

import { draw } from "./words.js";

const ORDER = ["ipv4", "ipv6", "onion", "i2p", "cjdns", "not_publicly_routable"];
const NAMES = { ipv4: "IPv4", ipv6: "IPv6", onion: "Tor", i2p: "I2P", cjdns: "CJDNS", not_publicly_routable: "local" };
const KINDS = {
  inbound: "dialled us",
  "outbound-full-relay": "dialled by us",
  "block-relay-only": "dialled by us for blocks alone",
  manual: "dialled by us on order",
  feeler: "dialled to see whether it is there",
  "addr-fetch": "asked for addresses",
  "private-broadcast": "for a private payment",
};
const SIZE = 400;
const RADIUS = 140;
const GAP = 0.12; // Between networks, in radians.
const FLASH_MS = 1500;

function at(angle, radius) {
  return [SIZE / 2 + radius * Math.cos(angle), SIZE / 2 + radius * Math.sin(angle)];
}

export class Ring {
  // svg: where it is drawn. choose(): a peer is selected, or none.
  constructor(svg, choose) {
    this.svg = svg;
    this.choose = choose;
    this.selected = null;
    this.peers = [];
    this.marks = new Map();
    this.newest = null;
    svg.setAttribute("viewBox", `0 0 ${SIZE} ${SIZE}`);
    svg.addEventListener("keydown", (event) => this.key(event));
    this.back = draw("g");
    this.front = draw("g");
    svg.append(this.back, this.front);
  }

  show(peers, blocks, node) {
    const rank = (peer) => ORDER.indexOf(peer.network) + 1 || ORDER.length + 1;
    this.peers = [...peers].sort((one, other) => rank(one) - rank(other) || one.id - other.id);
    this.back.replaceChildren();
    for (const part of this.parts()) {
      this.back.append(this.arc(part));
      part.peers.forEach((peer, place) => {
        this.place(peer, part.from + ((place + 0.5) / part.peers.length) * (part.to - part.from));
      });
    }
    const ids = new Set(peers.map((peer) => peer.id));
    for (const [id, mark] of this.marks) {
      if (ids.has(id)) continue;
      mark.remove();
      this.marks.delete(id);
    }
    if (this.selected !== null && !ids.has(this.selected)) this.select(null);
    this.back.append(
      draw("circle", { class: "self", cx: SIZE / 2, cy: SIZE / 2, r: 36 }),
      draw("text", { class: "self", x: SIZE / 2, y: SIZE / 2 + 1 }, String(node.height)),
      draw("text", { x: SIZE / 2, y: SIZE / 2 + 17 }, peers.length === 1 ? "1 peer" : `${peers.length} peers`),
    );
    this.tell(blocks);
    if (![...this.marks.values()].some((mark) => mark.getAttribute("tabindex") === "0") && this.peers.length) {
      this.marks.get(this.peers[0].id).setAttribute("tabindex", "0");
    }
  }

  // Whoever told of a new block first lights up.
  tell(blocks) {
    const newest = blocks.length ? blocks[0].hash : "";
    const mark = this.newest !== null && newest !== this.newest && newest ? this.marks.get(blocks[0].first) : null;
    this.newest = newest;
    if (!mark) return;
    mark.classList.add("first");
    setTimeout(() => mark.classList.remove("first"), FLASH_MS);
  }

  parts() {
    const groups = new Map();
    for (const peer of this.peers) groups.set(peer.network, [...(groups.get(peer.network) ?? []), peer]);
    const gap = groups.size > 1 ? GAP : 0;
    const perPeer = (2 * Math.PI - groups.size * gap) / Math.max(1, this.peers.length);
    let from = -Math.PI / 2;
    return [...groups].map(([network, peers]) => {
      const part = { network, peers, from, to: from + peers.length * perPeer };
      from = part.to + gap;
      return part;
    });
  }

  arc({ network, peers, from, to }) {
    const radius = RADIUS + 24;
    const isWhole = to - from > 2 * Math.PI - 0.01;
    const [x, y] = isWhole ? [SIZE / 2, 14] : at((from + to) / 2, radius + 17);
    const text = draw("text", { x, y: isWhole ? y : y + 4 }, `${NAMES[network] ?? network} (${peers.length})`);
    if (isWhole) return draw("g", {}, draw("circle", { class: "arc", cx: SIZE / 2, cy: SIZE / 2, r: radius }), text);
    const [x1, y1] = at(from, radius);
    const [x2, y2] = at(to, radius);
    const path = `M${x1} ${y1}A${radius} ${radius} 0 ${to - from > Math.PI ? 1 : 0} 1 ${x2} ${y2}`;
    return draw("g", {}, draw("path", { class: "arc", d: path }), text);
  }

  place(peer, angle) {
    const [x, y] = at(angle, RADIUS);
    const [x1, y1] = at(angle, 36);
    const radius = Math.max(4, Math.min(13, (Math.PI * RADIUS) / this.peers.length - 2));
    const width = 0.8 + Math.min(3.2, Math.log10(1 + (peer.bytes_received + peer.bytes_sent) / 1000) / 1.6);
    this.back.prepend(draw("line", { class: "way", x1, y1, x2: x, y2: y, "stroke-width": width }));
    const mark = this.marks.get(peer.id) ?? this.enter(peer.id);
    mark.replaceChildren(
      peer.inbound
        ? draw("circle", { class: "body", cx: x, cy: y, r: radius })
        : draw("rect", { class: "body", x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius, rx: 2 }),
    );
    if (radius >= 9) {
      const inner = peer.waiting_s !== null ? "!" : peer.announced_first || "";
      mark.append(draw("text", { class: "count", x, y: y + 4 }, String(inner)));
    }
    const isFirst = mark.classList.contains("first");
    mark.setAttribute("class", `${this.look(peer)}${isFirst ? " first" : ""}`);
    mark.setAttribute("aria-label", inWords(peer));
    mark.setAttribute("aria-pressed", this.selected === peer.id);
  }

  enter(id) {
    const mark = draw("g", { role: "button", tabindex: "-1" });
    mark.addEventListener("click", () => {
      this.focus(id);
      this.select(this.selected === id ? null : id);
    });
    this.marks.set(id, mark);
    this.front.append(mark);
    return mark;
  }

  look(peer) {
    const marks = ["peer"];
    if (peer.waiting_s !== null || peer.stalled) marks.push("late");
    if (peer.id === this.selected) marks.push("selected");
    return marks.join(" ");
  }

  select(id) {
    this.selected = id;
    for (const peer of this.peers) {
      const mark = this.marks.get(peer.id);
      if (!mark) continue;
      mark.setAttribute("class", this.look(peer));
      mark.setAttribute("aria-pressed", peer.id === id);
    }
    this.choose();
  }

  key(event) {
    const ids = this.peers.map((peer) => peer.id);
    const place = ids.findIndex((id) => this.marks.get(id) === document.activeElement);
    if (place < 0) return;
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (event.key in steps) this.focus(ids[(place + steps[event.key] + ids.length) % ids.length]);
    else if (event.key === "Home" || event.key === "End") this.focus(ids.at(event.key === "Home" ? 0 : -1));
    else if (event.key === "Enter" || event.key === " ") this.select(this.selected === ids[place] ? null : ids[place]);
    else if (event.key === "Escape") this.select(null);
    else return;
    event.preventDefault();
  }

  focus(id) {
    for (const [other, mark] of this.marks) mark.setAttribute("tabindex", other === id ? "0" : "-1");
    this.marks.get(id).focus();
  }
}

export function inWords(peer) {
  const words = [`peer ${peer.id}, ${NAMES[peer.network] ?? peer.network}, ${KINDS[peer.connection_type] ?? peer.connection_type}`];
  if (peer.announced_first) words.push(`told of ${peer.announced_first} of the newest blocks first`);
  if (peer.waiting_s !== null) words.push(`keeps us waiting for ${Math.round(peer.waiting_s)} s`);
  if (peer.stalled) words.push(`never gave ${peer.stalled}`);
  return words.join(", ");
}
