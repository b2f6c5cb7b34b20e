// Below the picture: the one node that is selected, from within.

import { Inside } from "./inside.js";

export class Within {
  // section: that it fills. token(): what lets it ask.
  constructor(section, token) {
    this.section = section;
    this.token = token;
    this.name = null;
    this.view = null;
  }

  // items: the components that are selected.
  show(items) {
    const lives = items.length === 1 && items[0].kind === "node" && items[0].state === "running";
    const name = lives ? items[0].name : null;
    if (name === this.name) return;
    this.view?.stop();
    this.name = name;
    this.section.hidden = name === null;
    if (name === null) return;
    const [title, said, body] = this.section.children;
    title.textContent = `Inside ${name}`;
    const say = (text) => {
      if (said.textContent !== text) said.textContent = text;
    };
    say("");
    const ask = (question) => this.ask(name, question);
    this.view = new Inside(body, ask, (_, headline) => say(headline), (error) => say(error.message));
    this.view.start();
  }

  async ask(name, question) {
    const path = `/inside/${question}${question.includes("?") ? "&" : "?"}name=${encodeURIComponent(name)}`;
    const answer = await fetch(path, { headers: { Authorization: `Bearer ${this.token()}` } });
    if (!answer.ok) throw new Error((await answer.text()).trim());
    return answer.json();
  }
}
