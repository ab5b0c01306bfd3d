// The reviewers' page. Texts of others only ever become text nodes: nothing that is read here is markup.
"use strict";

const $ = (selector) => document.querySelector(selector);
const state = { kind: "sample", queue: [], place: 0, review: null, answers: {}, last: null, busy: false };
// Characters that nobody sees and that change how a text is read, but for the joiners inside emoji and scripts.
const HIDDEN = /[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0001}-\u{e007f}]/u;

function make(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "data") Object.assign(node.dataset, value);
    else if (key.startsWith("aria")) node.setAttribute("aria-" + key.slice(4).toLowerCase(), value);
    else node[key] = value;
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

async function call(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  };
  const answer = await fetch("/api/" + path, options);
  const value = (answer.headers.get("content-type") || "").startsWith("application/json")
    ? await answer.json() : { error: await answer.text() };
  if (!answer.ok) throw new Error(value.error);
  return value;
}

function tell(text, bad = false) {
  const notice = $("#notice");
  notice.hidden = !text;
  notice.textContent = text;
  notice.className = bad ? "bad" : "";
}

// One thing at a time: a second key press must not answer twice.
async function doing(action) {
  if (state.busy) return;
  state.busy = true;
  try { await action(); } catch (error) { tell(error.message, true); } finally { state.busy = false; }
}

// what is shown

function textOf(text, spans = []) {
  const points = Array.from(text);
  const marks = [...spans].sort((a, b) => a.start - b.start || b.end - a.end);
  const holder = make("div", { className: "text", dir: "auto" });
  let at = 0;
  for (const span of marks) {
    if (span.start < at) continue;
    plain(holder, points.slice(at, span.start));
    const mark = make("mark", { className: span.action, title: span.name });
    plain(mark, points.slice(span.start, span.end));
    holder.append(mark);
    at = span.end;
  }
  plain(holder, points.slice(at));
  return holder;
}

function plain(holder, points) {
  let run = "";
  const flush = () => { if (run) holder.append(run); run = ""; };
  for (const point of points) {
    if (!HIDDEN.test(point)) { run += point; continue; }
    flush();
    const code = "U+" + point.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    holder.append(make("span", { className: "hidden-sign", title: "a character that is not seen" }, code));
  }
  flush();
}

function duration(seconds) {
  if (seconds < 0) return "overdue";
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const [unit, size] = units.find(([, size]) => seconds >= size) || units[3];
  return Math.floor(seconds / size) + " " + unit;
}

function showQueue() {
  const list = $("#queue");
  list.replaceChildren(...state.queue.map((item, place) => {
    const facts = [item.app, item.side || item.stage];
    if (item.left !== null) facts.push(duration(item.left) + " left");
    if (item.stratum) facts.push(item.stratum);
    if (item.alike > 1) facts.push(item.alike + " alike");
    const text = make("p", { dir: "auto" });
    plain(text, Array.from(item.text));
    const line = make("li", { tabIndex: -1, ariacurrent: String(place === state.place) },
      make("small", {}, ...facts.map((fact) => make("span", { textContent: fact }))), text);
    line.addEventListener("click", () => doing(() => open(place)));
    return line;
  }));
  list.querySelector("[aria-current=true]")?.scrollIntoView({ block: "nearest" });
}

function showEmpty(text) {
  state.review = null;
  $("#review").replaceChildren(make("p", { className: "empty", textContent: text }));
}

function showReview(review) {
  state.review = review;
  state.answers = Object.fromEntries(review.questions.filter((q) => q.preset !== undefined && q.preset !== null)
    .map((q) => [q.name, q.preset]));
  const facts = [review.app, `${review.stage} under ${review.policy}`, `request ${review.request}`,
    `conversation ${review.conversation}`, `since ${review.opened.slice(0, 19).replace("T", " ")} UTC`];
  if (review.left !== null) facts.push(`${duration(review.left)} left, then ${review.on_expiry}`);
  if (review.kind === "sample") facts.push(`read by ${review.read[0]} of ${review.read[1]}${review.blind ? ", blindly" : ""}`);
  const holder = $("#review");
  holder.replaceChildren(
    make("p", { className: "facts" }, ...facts.map((fact) => make("span", { textContent: fact }))),
    ...review.passages.map((passage) => make("article", { className: passage.held ? "passage held" : "passage" },
      make("h3", { textContent: passage.side + (passage.side === "context" ? " " + (passage.index + 1) : "")
        + (passage.held ? ", held" : "") + (passage.beside ? ", asked" : "") }),
      textOf(passage.text, passage.spans))),
    review.findings.length ? make("ul", { className: "findings" }, ...review.findings.map(finding)) : null,
    make("fieldset", { className: "questions", ariaLabel: "Questions" }, ...review.questions.map(question)),
    make("p", { className: "note" }, make("textarea", {
      id: "note", rows: 2, dir: "auto", placeholder: "A remark; it is stored masked", maxLength: 2000 })),
    make("p", { className: "actions" }, ...actions(review)),
  );
  holder.scrollTop = 0;
  holder.focus();
}

function finding(found) {
  const name = found.label === found.guard ? found.guard : `${found.guard} ${found.label}`;
  const score = found.score === null ? "failed" : found.score.toFixed(2)
    + (found.threshold === null ? "" : ` (limit ${found.threshold.toFixed(2)})`);
  return make("li", {}, make("mark", { className: found.action, textContent: found.action }),
    ` ${found.side}: ${name} ${score}`);
}

function question(asked, index) {
  const button = make("button", { type: "button", data: { name: asked.name } },
    make("kbd", { textContent: index < 9 ? String(index + 1) : "" }), make("span", { textContent: asked.name }), make("em"));
  button.addEventListener("click", () => turn(asked.name));
  paint(button);
  return button;
}

function paint(button) {
  const name = button.dataset.name, answer = state.answers[name];
  const good = name === "relevant" || name === "correct";
  button.querySelector("em").textContent = answer === undefined ? "unknown" : answer ? "yes" : "no";
  button.dataset.bad = answer === undefined ? "" : String(answer !== good);
  button.setAttribute("aria-pressed", answer === undefined ? "mixed" : String(answer));
}

function turn(name) {
  const answer = state.answers[name];
  if (answer === undefined) state.answers[name] = true;
  else if (answer) state.answers[name] = false;
  else delete state.answers[name];
  document.querySelectorAll(".questions button").forEach((button) => { if (button.dataset.name === name) paint(button); });
}

function actions(review) {
  const buttons = [["s", "Send answers", "main", () => send(false)]];
  const alike = state.queue.find((item) => item.id === review.id)?.alike || 1;
  if (alike > 1) buttons.push(["a", `Send for all ${alike} alike`, "", () => send(true)]);
  if (review.kind === "hold" && review.open) {
    buttons.push(["r", "Release", "", () => decide("release")], ["e", "Edit", "", () => decide("edit")],
      ["f", "Refuse", "bad", () => decide("refuse")]);
  }
  buttons.push(["x", "Skip", "", skip], ["m", "Unmask", "", unmask]);
  return buttons.map(([key, label, style, action]) => {
    const button = make("button", { type: "button", className: style, title: key, textContent: label, data: { key } });
    button.addEventListener("click", () => doing(action));
    return button;
  });
}

function table(caption, heads, rows) {
  return make("table", {}, make("caption", { textContent: caption }),
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { textContent: head })))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {
      className: typeof cell === "number" ? "number" : "", textContent: cell === null ? "" : String(cell) }))))));
}

function limits(estimate) {
  return estimate.value === null ? "not known"
    : `${estimate.value.toFixed(2)} (${estimate.low.toFixed(2)} to ${estimate.high.toFixed(2)})`;
}

async function showFigures() {
  const { progress, agreement } = await call("figures");
  state.review = null;
  $("#review").replaceChildren(
    table("Progress", ["kind", "app", "stratum", "asked", "open", "readings"],
      progress.map((row) => [row.kind, row.app, row.stratum, row.asked, row.open, row.readings])),
    agreement.length ? table("Agreement of blind readers, with 95% limits",
      ["question", "texts", "disputed", "Cohen's kappa", "Krippendorff's alpha"],
      agreement.map((row) => [row.question, row.texts, row.disputed, limits(row.cohen), limits(row.krippendorff)]))
      : make("p", { textContent: "No text has been read blindly by two people yet." }));
}

// what can be done

async function refresh() {
  const found = await call("queue?kind=" + state.kind);
  $("#reader").textContent = found.reader;
  state.queue = found.reviews;
  state.place = Math.min(state.place, Math.max(0, state.queue.length - 1));
  $(`#tab-${state.kind} b`).textContent = found.reviews.length + (found.more ? "+" : "");
  showQueue();
}

async function choose(kind) {
  await leave();
  state.kind = kind;
  state.place = 0;
  document.querySelectorAll("[role=tab]").forEach((tab) => tab.setAttribute("aria-selected", String(tab.dataset.kind === kind)));
  $("main").className = kind === "figures" ? "wide" : "";
  tell("");
  if (kind === "figures") return showFigures();
  await refresh();
  showEmpty(state.queue.length ? "n takes the next one, ? tells the other keys" : "nothing waits for you");
}

async function open(place) {
  state.place = place;
  showQueue();
  if (!state.queue.length || state.queue[place].id === state.review?.id) return;
  await leave();
  const { review } = await call("open", { review_id: state.queue[place].id });
  tell("");
  showReview(review);
}

async function next() {
  if (state.kind === "figures") return;
  await leave();
  const { review } = await call("next", { kind: state.kind });
  if (!review) { await refresh(); return showEmpty("nothing waits for you"); }
  state.place = Math.max(0, state.queue.findIndex((item) => item.id === review.id));
  showQueue();
  showReview(review);
}

async function leave() {
  const left = state.review;
  if (!left) return;
  showEmpty("");
  await call("leave", { review_id: left.id });
}

async function send(alike) {
  const said = { review_id: state.review.id, answers: state.answers, note: $("#note").value || null, alike };
  const { labelled } = await call("label", said);
  await done(labelled > 1 ? `answered for ${labelled}` : "answered", state.review.id);
}

async function skip() {
  await call("skip", { review_id: state.review.id });
  await done("skipped", state.review.id);
}

async function done(text, id) {
  state.last = id;
  state.review = null;
  await refresh();
  await next();
  tell(text + "; u undoes it");
}

async function undo() {
  if (!state.last) return tell("there is nothing to undo");
  await leave();
  const { last } = state;
  await call("undo", { review_id: last });
  state.last = null;
  const { review } = await call("open", { review_id: last });
  await refresh();
  showReview(review);
  tell("undone");
}

async function decide(action) {
  const review = state.review;
  const held = review.passages.find((passage) => passage.held);
  let text = null, reason = null;
  if (action === "edit") {
    text = await ask("Edit", "What takes its place. Placeholders such as <PERSON> are sent as they stand.", held.text);
    if (text === null) return;
  } else if (action === "refuse") {
    reason = await ask("Refuse", "Why? It stays with the decision; leave it empty if you like.", "");
    if (reason === null) return;
  }
  const { said } = await call("decide", { review_id: review.id, action, text, reason: reason || null });
  state.review = null;
  await refresh();
  state.queue = state.queue.filter((item) => item.id !== review.id); // the store may not know yet
  showQueue();
  showEmpty("n takes the next one");
  tell(said);
}

async function unmask() {
  const reason = await ask("Unmask", "Why do you have to see the raw texts? It goes on record, with your name.", "");
  if (!reason) return;
  const { texts } = await call("unmask", { review_id: state.review.id, reason });
  if (!texts.length) return tell("nothing is kept of it: the masked text is all that there was");
  const shown = texts.map((each) => make("article", { className: "passage raw" },
    make("h3", { textContent: each.name + ", raw" }), textOf(each.text)));
  document.querySelectorAll(".passage.raw").forEach((old) => old.remove());
  $("#review .facts").after(...shown);
}

function ask(title, text, preset) {
  const dialog = $("#ask"), area = dialog.querySelector("textarea");
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector("p").textContent = text;
  area.value = preset;
  dialog.returnValue = "cancel";
  dialog.showModal();
  area.focus();
  return new Promise((resolve) => dialog.addEventListener("close", () =>
    resolve(dialog.returnValue === "ok" ? area.value : null), { once: true }));
}

// keys

const KEYS = {
  n: next, s: () => state.review && send(false), a: () => press("a"), x: () => press("x"), u: undo, m: () => press("m"),
  r: () => press("r"), e: () => press("e"), f: () => press("f"), Escape: async () => { await leave(); showEmpty("n takes the next one"); },
  j: () => move(1), k: () => move(-1), Enter: () => open(state.place),
};

function press(key) {
  const button = document.querySelector(`.actions [data-key="${key}"]`);
  if (button) setTimeout(() => button.click()); // once this turn is over
}

function move(by) {
  state.place = Math.max(0, Math.min(state.queue.length - 1, state.place + by));
  showQueue();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest("textarea")) { if (event.key === "Escape") event.target.blur(); return; }
  if (event.key === "Enter" && event.target.closest("button")) return;
  if (event.key === "?") { $("#help").showModal(); return event.preventDefault(); }
  const asked = state.review?.questions[Number(event.key) - 1];
  if (/^[1-9]$/.test(event.key) && asked) { turn(asked.name); return event.preventDefault(); }
  const action = KEYS[event.key];
  if (action) { event.preventDefault(); doing(async () => action()); }
});
document.querySelectorAll("[role=tab]").forEach((tab) => tab.addEventListener("click", () => doing(() => choose(tab.dataset.kind))));
$("#help-button").addEventListener("click", () => $("#help").showModal());
doing(() => choose("sample"));
