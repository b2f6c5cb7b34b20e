// The page of a run: what the server tells is shown, what people ask for is sent. The token stands
// behind the # of the address, which no browser sends anywhere; it goes with each request.

import { Picture } from "./picture.js";
import { Within } from "./within.js";
import { make } from "./words.js";

const AGAIN_MS = 1500;
const MAX_LINES = 100;

const $ = (id) => document.getElementById(id);
let token = "";
let frame = null;
let order = { running: "", said: "", failed: false };
let check = { running: false, rows: [], said: "", sentence: "" };
let search = { running: false };
let selected = [];

const picture = new Picture($("net"), choose);
const within = new Within($("within"), () => token);

// --- The way to the server.

async function enter() {
  const said = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  const kept = sessionStorage.getItem("token");
  if (said.startsWith("once:")) {
    const answer = await post("/enter", { code: said.slice(5) });
    token = answer.ok ? (await answer.json()).token : (kept ?? "");
  } else {
    token = said || (kept ?? "");
  }
  if (token) sessionStorage.setItem("token", token);
  listen();
}

function post(path, data) {
  return fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify(data),
  });
}

function listen() {
  const source = new EventSource(`/events?token=${encodeURIComponent(token)}`);
  const told = { frame: framed, gone, travel: travelled, line: lined, order: ordered, check: checked, verdict };
  for (const [kind, hear] of Object.entries(told)) {
    source.addEventListener(kind, (event) => hear(JSON.parse(event.data)));
  }
  source.onopen = () => {
    $("log").replaceChildren(); // All that is known comes again.
    banner("");
  };
  source.onerror = async () => {
    source.close();
    stale(true);
    banner(await why());
    setTimeout(listen, AGAIN_MS);
  };
}

async function why() {
  try {
    const answer = await fetch(`/events?token=${encodeURIComponent(token)}`);
    if (answer.ok) await answer.body.cancel();
    else return (await answer.text()).trim().replace(/^./, (first) => first.toUpperCase()) + ".";
  } catch {
    return "axon swarm dash has ended or does not answer; the run goes on without it.";
  }
  return "";
}

async function ask(deed, targets = [], more = {}) {
  try {
    const answer = await post("/order", { do: deed, targets, ...more });
    if (!answer.ok) {
      const text = await answer.text();
      ordered({ ...order, said: said(text), failed: true });
    }
  } catch {
    ordered({ ...order, said: "axon swarm dash does not answer", failed: true });
  }
}

function said(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return text.trim();
  }
}

// --- What is told.

function framed(told) {
  frame = told;
  stale(false);
  banner("");
  $("run").textContent = `${told.run}, seed ${told.seed}`;
  document.title = `${told.run} – axon swarm`;
  const names = new Set(told.components.map((item) => item.name));
  selected = selected.filter((name) => names.has(name));
  picture.selected = new Set(selected);
  picture.frame(told);
  tips();
  panel();
  checkButton();
  searchButton();
  all();
}

function gone(told) {
  frame = null;
  stale(true);
  banner(`This run is gone: ${told.said}. The page goes on by itself when it is up again.`);
  $("run").textContent = "no run";
  choose(null, false);
}

function stale(is) {
  $("net").classList.toggle("stale", is);
  if (is) frame = null;
  panel();
  checkButton();
  searchButton();
}

function banner(text) {
  if ($("banner").textContent !== text) $("banner").textContent = text;
  $("banner").hidden = !text;
}

function travelled(journeys) {
  picture.travel(journeys);
}

function lined({ at, said }) {
  const log = $("log");
  const atEnd = log.scrollTop < 4;
  const time = make("time", new Date(at / 1000).toLocaleTimeString());
  log.prepend(make("li", time, said));
  while (log.children.length > MAX_LINES) log.lastChild.remove();
  if (atEnd) log.scrollTop = 0;
}

function ordered(told) {
  order = told;
  const words = told.running ? `${told.running} … ${told.said}` : told.said;
  $("doing").textContent = told.failed ? `Not done: ${words}` : words;
  panel();
  checkButton();
  searchButton();
}

function checked(told) {
  check = told;
  checkButton();
  $("check-said").textContent = told.said;
  const sentence = $("sentence");
  sentence.textContent = told.sentence;
  sentence.className = told.sentence.startsWith("PASS") ? "good" : told.sentence.startsWith("VIOLATED") ? "bad" : "";
  const rows = [];
  for (const row of told.rows) {
    const word = make("td", row.word || "…");
    word.className = row.word === "yes" ? "good" : row.word === "NO" ? "bad" : "";
    const line = make("tr", make("td", row.name), make("td", row.title), word, make("td", row.measure));
    if (!row.word) line.className = "waits";
    rows.push(line);
    if (row.said) {
      const cell = make("td", row.said);
      cell.colSpan = 4;
      const below = make("tr", cell);
      below.className = "said";
      rows.push(below);
    }
  }
  $("rows").tBodies[0].replaceChildren(...rows);
}

function verdict(told) {
  search = told;
  searchButton();
  $("search-said").textContent = told.said;
  $("spof-sentence").textContent = told.sentence;
  $("spof-sentence").className = told.good === null ? "" : told.good ? "good" : "bad";
  const head = make("tr", make("th", ""), ...told.modes.map((mode) => make("th", mode)));
  const rows = told.rows.map((row) => {
    const cells = row.cells.map((word) => {
      const cell = make("td", word === "" ? "…" : (word ?? ""));
      cell.className = word === "holds" ? "good" : word === "fails" ? "bad" : "";
      return cell;
    });
    return make("tr", make("th", row.name), ...cells);
  });
  $("matrix").replaceChildren(make("thead", head), make("tbody", ...rows));
  $("spof-about").textContent = told.about;
}

// --- What is shown.

function tips() {
  const found = new Map();
  for (const { item } of picture.actors.values()) {
    if (!item.tip) continue;
    const tip = found.get(item.tip) ?? { ...item, names: [], wallets: 0 };
    tip.names.push(item.name);
    tip.wallets += item.kind === "wallet";
    found.set(item.tip, tip);
  }
  const listed = [...found.values()].sort((one, other) => other.height - one.height);
  $("tips").replaceChildren(
    ...listed.map((tip) => {
      const mark = make("i");
      mark.className = `mark ${tip.colour === null ? "tipless" : `tip${tip.colour}`}`;
      return make("li", mark, `block ${tip.height} ..${tip.tip.slice(-8)}: ${who(tip)}`);
    }),
  );
}

function who({ names, wallets }) {
  if (names.length <= 6) return names.join(" ");
  const parts = [[names.length - wallets, "node"], [wallets, "wallet"]].filter(([count]) => count);
  return parts.map(([count, noun]) => `${count} ${noun}${count === 1 ? "" : "s"}`).join(", ");
}

$("net").addEventListener("arrived", tips);

function choose(name, adds) {
  if (name === null) selected = [];
  else if (adds) {
    selected = selected.includes(name) ? selected.filter((other) => other !== name) : [...selected, name];
  } else selected = selected.length === 1 && selected[0] === name ? [] : [name];
  if (picture.current) picture.select(selected);
  panel();
  if (frame) all();
}

function panel() {
  const items = frame ? selected.map((name) => frame.components.find((item) => item.name === name)) : [];
  const names = items.map((item) => item.name);
  $("panel-title").textContent = items.length === 1 ? `${names[0]}, ${items[0].kind}` : names.join(" ") || "Nobody selected";
  const facts = items.length === 1 ? about(items[0]) : items.length ? [] : hint();
  $("facts").replaceChildren(...facts.map((line) => make("p", line)));
  keepFocus($("deeds"), deeds(items));
  payment(items);
  within.show(items);
  for (const button of document.querySelectorAll("#stage [data-do]")) {
    button.disabled = !frame || !!order.running || (button.dataset.do === "heal" && !frame.sides.length);
  }
}

function hint() {
  return frame ? ["Select a node, a miner or a wallet in the picture; Shift adds another one."] : [];
}

function about(item) {
  const lines = [];
  if (item.kind === "node") lines.push(`${item.program === "bitcoind" ? "Bitcoin Core, " : ""}${item.state}, netgroup ${item.group}`);
  else if (item.kind === "miner") lines.push(`${item.state}, mines at ${item.node}`);
  else lines.push(item.state);
  if (item.tip !== undefined) lines.push(`block ${item.height} ..${item.tip.slice(-8)}`);
  if (item.kind === "node" && item.tip !== undefined) lines.push(`${item.links} links, ${item.pool} payments in its pool`);
  if (item.kind === "wallet" && item.holds) lines.push(`holds ${item.holds} BTC, ${item.links} links`);
  const linked = frame.links.filter((ends) => ends.includes(item.name));
  const others = linked.map(([from, to]) => (from === item.name ? `${to} (dialled)` : from));
  if (others.length) lines.push(`linked to ${others.join(", ")}`);
  if (item.said) lines.push(`Its last words: ${item.said.slice(-400)}`);
  return lines;
}

function deeds(items) {
  if (!items.length) return [];
  const names = items.map((item) => item.name);
  const lives = items.some((item) => ["running", "silent", "paused"].includes(item.state));
  const isPaused = items.some((item) => item.state === "paused");
  const runs = items.some((item) => ["running", "silent"].includes(item.state));
  const areNodes = items.every((item) => item.kind === "node");
  const nodes = frame.components.filter((item) => item.kind === "node");
  const cuttable = areNodes && items.length < nodes.length && !frame.sides.length;
  const found = [
    ["Kill", "kill", lives],
    ["Stop", "stop", runs],
    ["Continue", "cont", isPaused],
    ["Restart", "restart", true],
  ];
  if (areNodes) {
    found.push(["Restart with an empty disk", "wipe", true], ["Cut off from the rest", "cut", cuttable]);
  }
  const buttons = found.map(([label, deed, can]) => button(label, can && !order.running, () => ask(deed, names)));
  if (items.length === 1 && areNodes) {
    buttons.push(button("Find a block here", runs && !order.running, () => ask("mine", names)));
    const group = nodes.filter((item) => item.group === items[0].group).map((item) => item.name);
    if (group.length > 1) {
      buttons.push(button(`Select netgroup ${items[0].group}`, true, () => {
        selected = group;
        picture.select(selected);
        panel();
        all();
      }));
    }
  }
  return buttons;
}

function button(label, can, act) {
  const made = make("button", label);
  made.type = "button";
  made.disabled = !can;
  made.addEventListener("click", act);
  return made;
}

// Buttons are made anew with every look; whoever is on one stays there.
function keepFocus(box, buttons) {
  const before = box.contains(document.activeElement) ? document.activeElement.textContent : null;
  const same = [...box.children].map((each) => `${each.textContent}${each.disabled}`).join();
  if (same === buttons.map((each) => `${each.textContent}${each.disabled}`).join() && box.dataset.whom === selected.join()) return;
  box.dataset.whom = selected.join();
  box.replaceChildren(...buttons);
  if (before !== null) {
    const again = buttons.find((each) => each.textContent === before && !each.disabled);
    (again ?? buttons.find((each) => !each.disabled) ?? box).focus();
  }
}

function payment(items) {
  const form = $("pay");
  form.hidden = !(items.length === 1 && items[0].kind === "wallet");
  if (form.hidden) return;
  const others = frame.components.filter((item) => item.kind === "wallet" && item.name !== items[0].name);
  const names = others.map((item) => item.name);
  const payee = form.elements.payee;
  if ([...payee.options].map((option) => option.value).join() !== names.join()) {
    payee.replaceChildren(...names.map((name) => make("option", name)));
  }
  form.querySelector("button").disabled = !names.length || items[0].state !== "running" || !!order.running;
}

function checkButton() {
  const button = $("check");
  button.textContent = check.running ? "Stop the check" : "Check now";
  button.disabled = !check.running && (!!order.running || !frame);
}

function searchButton() {
  const button = $("search");
  button.textContent = search.running ? "Stop the search" : "Search in virtual time";
  button.disabled = !search.running && (!!order.running || !frame);
}

function all() {
  const rows = frame.components.map((item) => {
    const box = make("input");
    box.type = "checkbox";
    box.checked = selected.includes(item.name);
    box.setAttribute("aria-label", `select ${item.name}`);
    box.dataset.name = item.name;
    const cells = [
      item.name,
      item.state,
      item.height ?? "",
      item.tip ? `..${item.tip.slice(-8)}` : "",
      item.links ?? "",
      item.kind === "node" ? (item.pool ?? "") : "",
      item.holds ?? "",
    ];
    return make("tr", make("td", box), ...cells.map((cell) => make("td", String(cell))));
  });
  const focused = document.activeElement?.dataset?.name;
  const body = $("all").querySelector("tbody");
  body.replaceChildren(...rows);
  if (focused) body.querySelector(`[data-name="${CSS.escape(focused)}"]`)?.focus();
}

// --- What people do.

$("all").addEventListener("change", (event) => choose(event.target.dataset.name, true));
$("check").addEventListener("click", () => (check.running ? post("/stop", {}) : ask("check")));
$("search").addEventListener("click", () => (search.running ? post("/stop", {}) : ask("search")));
$("pay").addEventListener("submit", (event) => {
  event.preventDefault();
  const { payee, amount } = event.target.elements;
  ask("pay", [selected[0], payee.value], { amount: amount.value });
});
for (const button of document.querySelectorAll("#stage [data-do]")) {
  button.addEventListener("click", () => ask(button.dataset.do));
}

stale(false);
enter();
