// The console: statements to POST /v1/sql, answers as a table and a picture. Everything is text until shown: no HTML is
// ever made of what the server says.
import { NUMBER, clear, draw, drawable, redraw } from "./pictures.js";

const $ = (id) => document.getElementById(id);
const KEPT = 50;          // earlier statements that are remembered
const LONGEST = 10_000;   // characters of a statement that is
const SECRET = /\b(pass|password|token|secret)\b|:\/\/\S*@/i;
const CHANGES = /\b(create|drop|alter|use|update|grant|revoke)\b/i;

// What is kept is a convenience: where the browser's storage is full, or closed, the page goes on without.
const tried = (work) => { try { return work(); } catch { return null; } };
const store = {
  get: (name, fallback) => tried(() => JSON.parse(localStorage.getItem(`foretell.${name}`))) ?? fallback,
  set: (name, value) => tried(() => localStorage.setItem(`foretell.${name}`, JSON.stringify(value))),
  drop: (name) => tried(() => localStorage.removeItem(`foretell.${name}`)),
};
// `database`: null before one is chosen, "" for none.
const session = { login: sessionStorage.getItem("foretell.login"), user: "", database: null, running: null };
const own = (name) => `${name} of ${session.user}`;

// asking the server

class Refused extends Error {
  constructor(problem, status) {
    super(problem.detail ?? `the server answered ${status}`);
    Object.assign(this, { status, position: problem.position, statements: problem.statements, database: problem.database });
  }
}

async function ask(path, body, signal, type = "application/json") {
  const headers = { "Content-Type": type };
  if (session.login) headers.Authorization = `Basic ${session.login}`;
  let answer;
  try {
    answer = await fetch(path, { method: "POST", headers, body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused({ detail: "the server cannot be reached" }, 0);
  }
  const content = exactly(await answer.text());
  if (!answer.ok) throw new Refused(content, answer.status);
  return content;
}

// JSON with whole numbers of 16 digits and more left as the texts that they are: beyond 2^53 a number would be rounded.
function exactly(text) {
  const token = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  return tried(() => JSON.parse(text.replace(token, (one) => /^-?\d{16,}$/.test(one) ? `"${one}"` : one))) ?? {};
}

const sql = (text, signal, database = session.database ?? "") =>
  ask("/v1/sql", JSON.stringify({ sql: text, database, limit: 1000 }), signal);

const rowsOf = (answer) => answer.result.data.map((row) =>
  Object.fromEntries(answer.result.column_meta.map(([name], i) => [name, row[i]])));

const quoted = (name) => /^[a-z_][a-z0-9_]*$/.test(name) ? name : `\`${name.replaceAll("`", "``")}\``;

// logging in

function encoded(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function showLogin(said = "") {
  $("login-error").textContent = said;
  if (!$("login").open) $("login").showModal();
  if (session.user) $("login-user").value ||= session.user;
  $($("login-user").value ? "login-password" : "login-user").focus();
}

function showAgain(error) {
  showLogin(`the password of ${session.user} may have changed: log in again (${error.message})`);
}

$("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  session.login = encoded(`${$("login-user").value}:${$("login-password").value}`);
  try {
    await sql("SELECT SERVER_VERSION()", undefined, "");
  } catch (error) {
    session.login = null;
    showLogin(error.message);
    return;
  }
  sessionStorage.setItem("foretell.login", session.login);
  $("login-password").value = "";
  $("login").close();
  await welcome();
});

$("leave").addEventListener("click", () => {
  sessionStorage.removeItem("foretell.login");
  store.drop(own("history"));
  store.drop(own("database"));
  location.reload();
});

// what there is

function listed(id, entries, empty, more = 0) {
  const items = entries.map(([text, note, pick]) => {
    const item = document.createElement("li");
    const button = item.appendChild(document.createElement("button"));
    button.append(text);
    if (note) button.append(" ", Object.assign(document.createElement("small"), { textContent: note }));
    button.addEventListener("click", pick);
    return item;
  });
  const said = more ? `and ${more.toLocaleString("en")} more` : items.length ? "" : empty;
  if (said) items.push(Object.assign(document.createElement("li"), { className: "note", textContent: said }));
  $(id).replaceChildren(...items);
}

function propose(text) {
  $("sql").value = text;
  $("sql").focus();
}

function choose(database) {
  session.database = database;
  store.set(own("database"), database);
}

// The list of databases; one that is not there any more, or not for this user, is chosen no longer.
async function databases() {
  const names = rowsOf(await sql("SHOW DATABASES", undefined, "")).map((row) => row.name);
  if (session.database === null) {
    const first = names.find((name) => !name.endsWith("_schema"));
    if (first !== undefined) choose(first);
  } else if (session.database && !names.includes(session.database)) {
    warn([`${session.database} is gone, or not for ${session.user}: no database is chosen`]);
    choose("");
  }
  $("database").replaceChildren(...["", ...names].map((name) =>
    new Option(name || "none", name, false, name === (session.database ?? ""))));
}

async function tables() {
  if (!session.database) return listed("tables", [], "no database is chosen: CREATE DATABASE plant, or USE one");
  const [stables, normal] = await Promise.all([sql("SHOW STABLES"), sql("SHOW NORMAL TABLES")]);
  const entries = [...rowsOf(stables).map((row) => [row.stable_name, "super-table"]),
    ...rowsOf(normal).map((row) => [row.table_name, ""])];
  listed("tables", entries.map(([name, note]) =>
    [name, note, () => propose(`SELECT * FROM ${quoted(name)} ORDER BY 1 DESC LIMIT 100`)]), "none",
  stables.total + normal.total - entries.length);
}

const EXAMPLES = {
  forecast: (name) => `SELECT _frowts, _flow, _fhigh, FORECAST(v, 'algo=${name},rows=24') FROM t`,
  "anomaly-detection": (name) => `SELECT _wstart, _wend, COUNT(*) FROM t ANOMALY_WINDOW(v, 'algo=${name}')`,
  imputation: (name) => `SELECT _improwts, _impmark, IMPUTATION(v, 'algo=${name},freq=1h') FROM t`,
  correlation: (name) => `SELECT ${name.toUpperCase()}(v, w) FROM t`,
};

async function anodes() {
  const [nodes, algorithms] = await Promise.all([sql("SHOW ANODES"), sql("SHOW ANODES FULL")]);
  listed("anodes", rowsOf(nodes).map((row) => [`${row.id}  ${row.url}`, row.status, () => propose(`UPDATE ANODE ${row.id}`)]));
  const seen = new Map(rowsOf(algorithms).map((row) => [`${row.type} ${row.algo}`, row]));
  const forecastersFirst = [...seen.values()].sort((a, b) => (b.type === "forecast") - (a.type === "forecast"));
  listed("models", forecastersFirst.map((row) =>
    [row.algo, row.type, () => propose((EXAMPLES[row.type] ?? EXAMPLES.forecast)(row.algo))]));
}

async function welcome() {
  const user = new TextDecoder().decode(Uint8Array.from(atob(session.login), (c) => c.charCodeAt(0))).split(":")[0];
  if (session.user !== user) {
    session.user = user;
    session.database = store.get(own("database"), null);
    empty();
    state("");
    $("sql").value = "";
  }
  $("leave").hidden = false;
  $("user").textContent = user;
  offer(earlier());
  await refresh();
  $("sql").focus();
}

async function refresh() {
  try {
    await databases();
    await Promise.all([tables(), anodes()]);
  } catch (error) {
    if (error.status === 401) showAgain(error);
    else fail(error);
  }
}

$("database").addEventListener("change", async () => {
  choose($("database").value);
  await refresh();
});

// running statements

function state(text, busy = false) {
  $("state").textContent = text;
  $("state").className = busy ? "busy" : "";
  $("run").disabled = busy;
  $("stop").disabled = !busy;
}

function empty() {
  $("result").replaceChildren();
  $("error").hidden = true;
  $("warnings").textContent = "";
  clear();
}

function warn(texts) {
  $("warnings").textContent = [$("warnings").textContent, ...texts].filter(Boolean).join("\n");
}

async function run() {
  const text = $("sql").value;
  if (!text.trim() || session.running) return;
  remember(text.trim());
  session.running = new AbortController();
  $("error").hidden = true;
  $("warnings").textContent = "";
  state("running", true);
  let told;
  try {
    told = await sql(text, session.running.signal);
    show(told);
  } catch (error) {
    const before = error.statements ? ` at statement ${error.statements + 1}; those before it are done` : "";
    state(error.name === "AbortError" ? "stopped" : `failed${before}`);
    if (error.name === "AbortError") return;
    if (error.status === 401) return showAgain(error);
    fail(error, text);
    told = error;
  } finally {
    session.running = null;
  }
  await settle(told, text);
}

function show(answer) {
  const ran = answer.statements > 1 ? `${answer.statements} statements, ` : "";
  const count = (rows) => `${rows} row${rows === 1 ? "" : "s"}`;
  const rows = answer.result.data.length;
  const said = answer.affected !== null ? `done, ${count(answer.affected)}`
    : `${count(answer.total)}${rows < answer.total ? `, the first ${rows} shown` : ""}`;
  state(`${ran}${said}, ${answer.seconds.toFixed(3)} s`);
  empty();
  warn(answer.warnings);
  if (answer.affected !== null) return;
  table(answer.result);
  if (answer.plots.length) return draw(answer.plots);
  const { plots, notes } = drawable(answer.result);
  draw(plots, notes);
}

// What has run may have changed the current database and the lists; what has not may lack a database that is gone.
async function settle({ statements, database, status }, text) {
  if (statements && database !== (session.database ?? "")) choose(database);
  const isLost = session.database && (status === 403 || status === 404);
  if (isLost || (statements && CHANGES.test(text))) await refresh();
}

function fail(error, text = "") {
  empty();
  const box = $("error");
  box.replaceChildren(error.message.split("\n")[0]);
  if (text && Number.isInteger(error.position)) {
    const at = [...text].slice(0, error.position).join("").length;  // the server counts characters, a browser halves of some
    const word = text.slice(at).match(/^[\p{L}\p{N}_]+|^./su)?.[0] ?? "";
    box.append("\n\n", around(text.slice(0, at), -AROUND),
      Object.assign(document.createElement("mark"), { textContent: word || "⏎" }), around(text.slice(at + word.length), AROUND));
    $("sql").focus();
    $("sql").setSelectionRange(at, at + word.length);
  }
  box.hidden = false;
}

const AROUND = 2000;

// That end of a long text which lies at an error.
function around(text, most) {
  if (text.length <= AROUND) return text;
  return most < 0 ? `… ${text.slice(most)}` : `${text.slice(0, most)} …`;
}

$("run").addEventListener("click", run);
$("stop").addEventListener("click", () => session.running?.abort());

// the table

function cell(value, isNumber) {
  const made = document.createElement("td");
  if (value === null) Object.assign(made, { className: "null", textContent: "NULL" });
  else made.textContent = typeof value === "object" ? JSON.stringify(value) : String(value);
  if (isNumber) made.classList.add("number");
  return made;
}

function table(result) {
  const isNumber = result.column_meta.map(([, type]) => NUMBER.test(type));
  const made = document.createElement("table");
  const head = made.createTHead().insertRow();
  result.column_meta.forEach(([name, type], i) => {
    const th = Object.assign(document.createElement("th"), { textContent: name, scope: "col" });
    th.append(Object.assign(document.createElement("small"), { textContent: type }));
    if (isNumber[i]) th.className = "number";
    head.append(th);
  });
  const body = made.createTBody();
  for (const row of result.data) body.insertRow().append(...row.map((value, i) => cell(value, isNumber[i])));
  $("result").replaceChildren(made);
}

// earlier statements: of this user, never one with a password, until the log out

let place = -1, draft = "";

const earlier = () => store.get(own("history"), []);

function remember(text) {
  place = -1;
  if (SECRET.test(text) || text.length > LONGEST) return;
  store.set(own("history"), [text, ...earlier().filter((one) => one !== text)].slice(0, KEPT));
  offer(earlier());
}

function offer(all) {
  const options = all.map((text, i) => new Option(text.replace(/\s+/g, " ").slice(0, 80), String(i)));
  $("history").replaceChildren(new Option("earlier statements", ""), ...options);
}

// One step back or forth; behind the newest stands what was being written.
function step(by) {
  const all = earlier();
  if (place < 0) draft = $("sql").value;
  place = Math.max(-1, Math.min(all.length - 1, place + by));
  $("sql").value = place < 0 ? draft : all[place];
}

$("sql").addEventListener("input", () => { place = -1; });

$("history").addEventListener("change", () => {
  const text = earlier()[Number($("history").value)];
  if ($("history").value !== "" && text) propose(text);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); }
  else if (event.key === "Escape" && session.running) session.running.abort();
  else if (event.altKey && event.target === $("sql") && event.key === "ArrowUp") { event.preventDefault(); step(1); }
  else if (event.altKey && event.target === $("sql") && event.key === "ArrowDown") { event.preventDefault(); step(-1); }
});

// files

$("file").addEventListener("change", () => {
  const name = $("file").files[0]?.name.replace(/\.[^.]*$/, "").replace(/\W/g, "_").toLowerCase();
  if (name && !$("upload-table").value) $("upload-table").value = /^[a-z_]/.test(name) ? name : `t_${name}`;
});

$("upload").addEventListener("submit", async (event) => {
  event.preventDefault();
  const file = $("file").files[0];
  if (!file) { $("upload-said").textContent = "choose a file first"; return; }
  const query = new URLSearchParams({ table: $("upload-table").value, database: session.database ?? "",
    format: file.name.toLowerCase().endsWith(".parquet") ? "parquet" : "csv" });
  $("upload-said").textContent = "uploading";
  try {
    const made = await ask(`/v1/upload?${query}`, file, undefined, "application/octet-stream");
    $("upload-said").textContent = `${made.rows} rows in ${made.table}${made.series ? `, ${made.series} series` : ""}`;
    propose(`SELECT * FROM ${quoted(made.table)} ORDER BY 1 DESC LIMIT 100`);
    await tables();
  } catch (error) {
    $("upload-said").textContent = error.message;
  }
});

for (const kind of ["dragover", "dragleave", "drop"]) {
  $("upload").addEventListener(kind, (event) => {
    event.preventDefault();
    $("upload").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) {
      $("file").files = event.dataTransfer.files;
      $("file").dispatchEvent(new Event("change"));
    }
  });
}

// light and dark

function theme(name) {
  document.documentElement.dataset.theme = name;
}
theme(store.get("theme", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
$("theme").addEventListener("click", () => {
  const name = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  store.set("theme", name);
  theme(name);
  redraw();
});

if (session.login) welcome();
else showLogin();
