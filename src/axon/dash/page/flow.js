// The coins of a block: left of each transaction those that it spends, right of it those that it
// makes, drawn by their size.

import { coins, count, draw } from "./words.js";

const WIDTH = 420;
const MIDDLE = WIDTH / 2;
const SPENT = 120;
const STEP = 24;
const LINES = 6; // Coins of a transaction on one side; more are said as a number.

export class Flow {
  constructor(svg) {
    this.svg = svg;
  }

  // transactions: those of the block; none where they are too many to be told apart.
  show(transactions) {
    this.svg.replaceChildren();
    this.svg.toggleAttribute("hidden", !transactions.length);
    this.svg.setAttribute("aria-label", `The coins of ${count(transactions.length, "transaction")}; they stand in the table below, too.`);
    this.most = Math.max(1, ...transactions.flatMap((each) => [...each.spent, ...each.made]));
    let y = 6;
    for (const each of transactions) y += this.transaction(each, y);
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${y}`);
  }

  // Draws one from a height on; how high it is.
  transaction(each, y) {
    const lines = Math.max(1, Math.min(LINES, Math.max(each.spent.length, each.made.length)));
    const more = Math.max(each.spent.length, each.made.length) > LINES ? STEP : 0;
    const height = lines * STEP;
    const middle = y + height / 2;
    if (each.mines) this.text(MIDDLE - 16, middle, "new coins and fees", "before");
    else this.side(each.spent, SPENT, middle, -1);
    this.side(each.made, WIDTH - SPENT, middle, 1);
    const body = { class: each.mines ? "tx mines" : "tx", x: MIDDLE - 8, y: middle - 8, width: 16, height: 16, rx: 3 };
    this.svg.append(draw("rect", body, draw("title", {}, each.txid)));
    return height + more + 14;
  }

  side(values, x, middle, way) {
    const shown = values.slice(0, LINES);
    shown.forEach((sat, place) => {
      const y = middle + (place - (shown.length - 1) / 2) * STEP;
      const radius = 2.5 + 8.5 * Math.sqrt(sat / this.most);
      this.svg.append(
        draw("line", { class: "way", x1: x, y1: y, x2: MIDDLE + 8 * way, y2: middle }),
        draw("circle", { class: "coin", cx: x, cy: y, r: radius }, draw("title", {}, coins(sat))),
      );
      this.text(x + 16 * way, y, sat ? String(sat / 1e8) : "0, a note", way < 0 ? "before" : "after");
    });
    if (values.length > LINES) {
      this.text(x, middle + (LINES * STEP) / 2 + STEP / 2, `and ${values.length - LINES} more`, "");
    }
  }

  text(x, y, said, side) {
    this.svg.append(draw("text", { class: side, x, y: y + 4 }, said));
  }
}
