// The page of one node. The token stands behind the # of the address, which no browser sends
// anywhere; it goes with each request.

import { Inside } from "./inside.js";

const $ = (id) => document.getElementById(id);

const said = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
const token = said || (sessionStorage.getItem("token") ?? "");
if (token) sessionStorage.setItem("token", token);

async function ask(question) {
  let answer;
  try {
    answer = await fetch(`/inside/${question}`, { headers: { Authorization: `Bearer ${token}` } });
  } catch {
    throw new Error("The node does not answer; the page goes on by itself when it does.");
  }
  if (!answer.ok) throw new Error((await answer.text()).trim().replace(/^./, (first) => first.toUpperCase()) + ".");
  return answer.json();
}

function looked(told, headline) {
  $("headline").textContent = headline;
  document.title = `${told.node.chain}, block ${told.node.height} – axon node`;
  banner(told.node.warnings.join(" "));
}

function banner(text) {
  if ($("banner").textContent !== text) $("banner").textContent = text;
  $("banner").hidden = !text;
}

new Inside($("inside"), ask, looked, (error) => banner(error.message)).start();
