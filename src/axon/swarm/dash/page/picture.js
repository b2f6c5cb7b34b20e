// The network as a drawing that moves: who is linked to whom, who stands on which block, and what is
// on its way. A block or a payment takes HOP_MS from one to the next, whatever it took in truth, so
// that the eye can follow; whoever gets it takes its colour when it is there.

import { draw } from "./words.js";

const HOP_MS = 650;
const GLIDE_MS = 600;
const RING_MS = 700;
const FRESH_MS = 1500;
const MAX_BEHIND_MS = 2600; // The drawing is never further behind than this.
const MAX_PARCELS = 400; // Drawn at once; more are left out, and have arrived.
const DENSE = 120; // Links; more are drawn faintly.
const NARROW = 560;
const MINER_RADIUS = 8;

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Picture {
  // svg: where it is drawn. choose(name, adds): somebody is selected.
  constructor(svg, choose) {
    this.svg = svg;
    this.choose = choose;
    this.layers = {};
    for (const name of ["sides", "links", "actors", "parcels"]) {
      this.layers[name] = draw("g");
      svg.append(this.layers[name]);
    }
    this.actors = new Map();
    this.links = new Map();
    this.parcels = [];
    this.ready = new Map(); // When an item is at somebody, in the drawing.
    this.selected = new Set();
    this.sheet = null;
    this.current = null;
    this.isRunning = false;
    svg.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.current && this.fit()).observe(svg.parentElement);
  }

  // A whole run, as the server tells it.
  frame(frame) {
    const isFirst = this.current === null;
    this.current = frame;
    const names = new Set(frame.components.map((item) => item.name));
    for (const [name, actor] of this.actors) {
      if (!names.has(name)) {
        actor.group.remove();
        this.actors.delete(name);
      }
    }
    for (const item of frame.components) this.update(item);
    this.fit(isFirst);
  }

  fit(isFirst = false) {
    const name = this.svg.parentElement.clientWidth < NARROW ? "tall" : "wide";
    const sheet = this.current.sheets[name];
    const isOther = this.sheet === null || this.sheet.width !== sheet.width;
    this.sheet = sheet;
    this.svg.setAttribute("viewBox", `0 0 ${sheet.width} ${sheet.height}`);
    for (const [name, actor] of this.actors) {
      const [x, y] = sheet.places[name] ?? [0, 0];
      if (actor.x === undefined || isFirst || isOther || still.matches || document.hidden) {
        Object.assign(actor, { x, y, glide: null });
      } else if (actor.toX !== x || actor.toY !== y) {
        actor.glide = { x: actor.x, y: actor.y, begin: performance.now() };
      }
      Object.assign(actor, { toX: x, toY: y });
      this.shape(actor);
    }
    this.join();
    this.draw();
    this.run();
  }

  radius(kind) {
    if (kind === "miner") return MINER_RADIUS;
    return kind === "wallet" ? this.sheet.wallet_radius : this.sheet.radius;
  }

  update(item) {
    let actor = this.actors.get(item.name);
    if (!actor) {
      actor = this.enter(item);
      this.actors.set(item.name, actor);
    }
    if (actor.awaits) {
      actor.later = item; // It is shown when what is on its way is there.
      return;
    }
    actor.item = item;
    this.dress(actor);
  }

  enter(item) {
    const body =
      item.kind === "node" ? draw("circle") : item.kind === "wallet" ? draw("rect") : draw("path");
    const halo = body.cloneNode();
    body.setAttribute("class", "body");
    halo.setAttribute("class", "halo");
    const cross = draw("path", { class: "sign cross" });
    const name = draw("text", { class: "name" }, item.name);
    const note = draw("text", { class: "note" });
    const group = draw("g", { role: "button", tabindex: "-1" }, halo, body, cross, name, note);
    const actor = { item, group, body, halo, cross, name, note, awaits: 0, later: null };
    group.addEventListener("click", (event) => {
      this.focus(item.name);
      this.choose(item.name, event.shiftKey || event.ctrlKey || event.metaKey);
    });
    this.layers.actors.append(group);
    if (this.actors.size === 0) group.setAttribute("tabindex", "0");
    return actor;
  }

  // Sizes, by the sheet.
  shape(actor) {
    const { kind } = actor.item;
    const radius = this.radius(kind);
    for (const [element, r] of [[actor.body, radius], [actor.halo, radius + 4]]) {
      if (kind === "node") element.setAttribute("r", r);
      else if (kind === "wallet") {
        const sides = { x: -r, y: -r, width: 2 * r, height: 2 * r, rx: r / 2 };
        for (const [key, value] of Object.entries(sides)) element.setAttribute(key, value);
      } else element.setAttribute("d", `M0 ${-r}L${r} 0L0 ${r}L${-r} 0Z`);
    }
    const arm = radius * 0.62;
    actor.cross.setAttribute("d", `M${-arm} ${-arm}L${arm} ${arm}M${-arm} ${arm}L${arm} ${-arm}`);
    const size = kind === "miner" ? 9 : Math.min(12, radius * (actor.item.name.length > 3 ? 0.55 : 0.72));
    actor.name.style.fontSize = `${size}px`;
    actor.name.style.display = radius < 7 ? "none" : "";
    actor.name.setAttribute("y", kind === "miner" ? -radius - 5 : 0);
    actor.note.setAttribute("y", radius + 11);
    actor.note.style.fontSize = "10px";
    actor.note.style.display = radius < 12 ? "none" : "";
  }

  // Colours and words, by what is known of it.
  dress(actor) {
    const { item } = actor;
    const tip = item.tip === undefined ? "" : item.colour === null ? "tipless" : `tip${item.colour}`;
    const marks = ["actor", item.kind, item.state.toLowerCase(), tip];
    if (this.selected.has(item.name)) marks.push("selected");
    if (actor.fresh > performance.now()) marks.push("fresh");
    actor.group.setAttribute("class", marks.filter(Boolean).join(" "));
    actor.group.setAttribute("aria-pressed", this.selected.has(item.name));
    actor.group.setAttribute("aria-label", inWords(item));
    actor.note.textContent = this.note(item);
  }

  note(item) {
    if (item.kind === "miner") return "";
    if (item.state === "paused") return "paused";
    if (item.state === "silent") return "silent";
    if (item.state === "DIED") return "died";
    if (item.tip === undefined) return "dead";
    if (item.kind === "wallet") return item.holds;
    const rivals = [...this.actors.values()].some(
      (other) => other.item.height === item.height && other.item.tip && other.item.tip !== item.tip,
    );
    return `${item.height}${rivals ? "·" + item.tip.slice(-2) : ""}`;
  }

  select(names) {
    this.selected = new Set(names);
    for (const actor of this.actors.values()) this.dress(actor);
    this.join();
  }

  // Lines between those who are linked, from miners to their nodes, and around the sides of a cut.
  join() {
    const wanted = new Map(this.current.links.map((ends) => [[...ends].sort().join(" "), ends]));
    for (const item of this.current.components) {
      if (item.kind === "miner" && item.state === "running") {
        wanted.set(`${item.name} ${item.node}`, [item.name, item.node]);
      }
    }
    for (const [key, link] of this.links) {
      if (!wanted.has(key)) {
        link.line.remove();
        this.links.delete(key);
      }
    }
    for (const [key, ends] of wanted) {
      if (!ends.every((name) => this.actors.has(name))) continue;
      let link = this.links.get(key);
      if (!link) {
        link = { line: draw("line"), ends };
        this.layers.links.append(link.line);
        this.links.set(key, link);
      }
      const kinds = ends.map((name) => this.actors.get(name).item.kind);
      const marks = ["link"];
      if (kinds.includes("wallet")) marks.push("purse");
      if (ends.some((name) => this.selected.has(name))) marks.push("near");
      link.line.setAttribute("class", marks.join(" "));
    }
    this.svg.classList.toggle("dense", this.links.size > DENSE);
    this.layers.sides.replaceChildren();
    for (const side of this.current.sides) this.layers.sides.append(this.around(side));
  }

  around(side) {
    const places = side.map((name) => this.sheet.places[name]);
    const margin = this.sheet.radius + 20;
    const [xs, ys] = [0, 1].map((axis) => places.map((place) => place[axis]));
    const [left, top] = [Math.min(...xs) - margin, Math.min(...ys) - margin];
    return draw("rect", {
      class: "side",
      x: left,
      y: top,
      width: Math.max(...xs) + margin - left,
      height: Math.max(...ys) + margin - top,
      rx: margin,
    });
  }

  // What is on its way.
  travel(journeys) {
    const now = performance.now();
    for (const journey of journeys) {
      const target = this.actors.get(journey.target);
      if (!target) continue;
      if (still.matches || document.hidden || this.parcels.length > MAX_PARCELS) {
        this.arrive(journey, target, now);
        continue;
      }
      const source = this.actors.get(journey.source);
      const known = this.ready.get(`${journey.item} ${journey.source}`) ?? now;
      const begin = Math.min(Math.max(known, now), now + MAX_BEHIND_MS);
      this.ready.set(`${journey.item} ${journey.target}`, begin + (source ? HOP_MS : 0));
      if (!source) {
        this.arrive(journey, target, now);
        continue;
      }
      target.awaits += 1;
      const mark =
        journey.kind === "block"
          ? draw("rect", { x: -5, y: -5, width: 10, height: 10, rx: 1.5 })
          : draw("circle", { r: 5 });
      mark.setAttribute("class", `parcel ${journey.kind} ${colour(journey)}`);
      this.parcels.push({ mark, source, target, begin, journey });
    }
    if (this.ready.size > 4000) this.ready.clear();
    this.run();
  }

  arrive(journey, target, now) {
    if (journey.kind === "block" && target.item.tip !== undefined) {
      target.item = { ...target.item, tip: journey.item, height: journey.height, colour: journey.colour };
    }
    if (target.awaits === 0 && target.later) {
      target.item = target.later;
      target.later = null;
    }
    if (still.matches) {
      target.fresh = now + FRESH_MS;
      setTimeout(() => this.dress(target), FRESH_MS + 50);
    } else if (!document.hidden) {
      const mark = draw("circle", { class: `ring ${journey.kind} ${colour(journey)}` });
      this.parcels.push({ mark, at: target, begin: now, ring: true });
    }
    this.dress(target);
    this.svg.dispatchEvent(new CustomEvent("arrived"));
  }

  run() {
    if (this.isRunning) return;
    this.isRunning = true;
    requestAnimationFrame(() => this.step());
  }

  step() {
    const now = performance.now();
    let moves = false;
    for (const actor of this.actors.values()) {
      if (!actor.glide) continue;
      const part = Math.min(1, (now - actor.glide.begin) / GLIDE_MS);
      const eased = 1 - (1 - part) ** 3;
      actor.x = actor.glide.x + (actor.toX - actor.glide.x) * eased;
      actor.y = actor.glide.y + (actor.toY - actor.glide.y) * eased;
      if (part === 1) actor.glide = null;
      moves = true;
    }
    const parcels = this.parcels;
    this.parcels = [];
    for (const parcel of parcels) this.carry(parcel, now);
    this.draw();
    this.isRunning = moves || this.parcels.length > 0;
    if (this.isRunning) requestAnimationFrame(() => this.step());
  }

  carry(parcel, now) {
    const { mark } = parcel;
    const part = (now - parcel.begin) / (parcel.ring ? RING_MS : HOP_MS);
    if (part >= 1) {
      mark.remove();
      if (!parcel.ring) {
        parcel.target.awaits -= 1;
        this.arrive(parcel.journey, parcel.target, now);
      }
      return;
    }
    this.parcels.push(parcel);
    if (part < 0) return;
    if (!mark.parentNode) this.layers.parcels.append(mark);
    if (parcel.ring) {
      const { at } = parcel;
      mark.setAttribute("transform", `translate(${at.x} ${at.y})`);
      mark.setAttribute("r", this.radius(at.item.kind) + 3 + 14 * part);
      mark.style.opacity = 1 - part;
      return;
    }
    const eased = part * part * (3 - 2 * part);
    const { source, target } = parcel;
    const [x, y] = ["x", "y"].map((axis) => source[axis] + (target[axis] - source[axis]) * eased);
    mark.setAttribute("transform", `translate(${x} ${y})`);
  }

  draw() {
    for (const actor of this.actors.values()) {
      actor.group.setAttribute("transform", `translate(${actor.x} ${actor.y})`);
    }
    for (const { line, ends } of this.links.values()) {
      const [one, other] = ends.map((name) => this.actors.get(name));
      if (!one || !other) continue;
      line.setAttribute("x1", one.x);
      line.setAttribute("y1", one.y);
      line.setAttribute("x2", other.x);
      line.setAttribute("y2", other.y);
    }
  }

  // Keys: one of all is reached by Tab, the others by arrows.
  focus(name) {
    for (const [other, actor] of this.actors) {
      actor.group.setAttribute("tabindex", other === name ? "0" : "-1");
    }
    this.actors.get(name).group.focus();
  }

  key(event) {
    const names = [...this.actors.keys()];
    const place = names.findIndex((name) => this.actors.get(name).group === document.activeElement);
    if (place < 0) return;
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (event.key in steps) {
      this.focus(names[(place + steps[event.key] + names.length) % names.length]);
    } else if (event.key === "Home" || event.key === "End") {
      this.focus(names.at(event.key === "Home" ? 0 : -1));
    } else if (event.key === "Enter" || event.key === " ") {
      this.choose(names[place], event.shiftKey || event.ctrlKey || event.metaKey);
    } else if (event.key === "Escape") {
      this.choose(null, false);
    } else return;
    event.preventDefault();
  }
}

function colour(journey) {
  if (journey.kind !== "block") return "";
  return journey.colour === null ? "tipless" : `tip${journey.colour}`;
}

function inWords(item) {
  const words = [`${item.name}, ${item.kind}, ${item.state}`];
  if (item.kind === "miner") words.push(`at ${item.node}`);
  if (item.tip !== undefined) words.push(`block ${item.height}`, `${item.links} links`);
  if (item.holds) words.push(`holds ${item.holds}`);
  return words.join(", ");
}
