// The console: statements to POST /v1/sql, answers as a table and a picture. Everything is text until shown: no HTML is
// ever made of what the server says.
"use strict";

const $ = (id) => document.getElementById(id);
const KEPT = 50;          // earlier statements that are remembered
const SHOWN_PLOTS = 12;

const store = {
  get: (name, fallback) => JSON.parse(localStorage.getItem(`foretell.${name}`) ?? "null") ?? fallback,
  set: (name, value) => localStorage.setItem(`foretell.${name}`, JSON.stringify(value)),
};
const session = { login: sessionStorage.getItem("foretell.login"), database: store.get("database", ""), running: null };

// asking the server

class Refused extends Error {
  constructor(problem, status) {
    super(problem.detail ?? `the server answered ${status}`);
    Object.assign(this, { status, position: problem.position });
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
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(content, answer.status);
  return content;
}

const sql = (text, signal, limit = 1000) =>
  ask("/v1/sql", JSON.stringify({ sql: text, database: session.database, limit }), signal);

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
  $("login-user").focus();
}

$("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  session.login = encoded(`${$("login-user").value}:${$("login-password").value}`);
  try {
    await sql("SELECT SERVER_VERSION()");
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
  session.login = null;
  location.reload();
});

// what there is

function listed(id, entries, empty) {
  const items = entries.map(([text, note, pick]) => {
    const item = document.createElement("li");
    const button = item.appendChild(document.createElement("button"));
    button.append(text);
    if (note) button.append(" ", Object.assign(document.createElement("small"), { textContent: note }));
    button.addEventListener("click", pick);
    return item;
  });
  if (!items.length) items.push(Object.assign(document.createElement("li"), { textContent: empty }));
  $(id).replaceChildren(...items);
}

function propose(text) {
  $("sql").value = text;
  $("sql").focus();
}

async function databases() {
  const names = rowsOf(await sql("SHOW DATABASES")).map((row) => row.name);
  const own = names.filter((name) => !name.endsWith("_schema"));
  if (!names.includes(session.database)) session.database = own[0] ?? "";
  $("database").replaceChildren(...names.map((name) => new Option(name, name, false, name === session.database)));
}

async function tables() {
  if (!session.database) return listed("tables", [], "no database yet: CREATE DATABASE plant");
  const [stables, normal] = await Promise.all([sql("SHOW STABLES"), sql("SHOW NORMAL TABLES")]);
  const entries = [...rowsOf(stables).map((row) => [row.stable_name, "super-table"]),
    ...rowsOf(normal).map((row) => [row.table_name, ""])];
  listed("tables", entries.map(([name, note]) =>
    [name, note, () => propose(`SELECT * FROM ${quoted(name)} ORDER BY 1 DESC LIMIT 100`)]), "none");
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
  $("leave").hidden = false;
  $("user").textContent = new TextDecoder().decode(Uint8Array.from(atob(session.login), (c) => c.charCodeAt(0))).split(":")[0];
  try {
    await databases();
    await Promise.all([tables(), anodes()]);
  } catch (error) {
    if (error.status === 401) showLogin(error.message);
    else fail(error, "");
  }
  $("sql").focus();
}

$("database").addEventListener("change", async () => {
  session.database = $("database").value;
  store.set("database", session.database);
  await tables().catch((error) => fail(error, ""));
});

// running a statement

function state(text, busy = false) {
  $("state").textContent = text;
  $("state").className = busy ? "busy" : "";
  $("run").disabled = busy;
  $("stop").disabled = !busy;
}

async function run() {
  const text = $("sql").value.trim().replace(/;\s*$/, "");
  if (!text || session.running) return;
  remember(text);
  session.running = new AbortController();
  $("error").hidden = true;
  state("running", true);
  try {
    const answer = await sql(text, session.running.signal);
    show(answer, text);
  } catch (error) {
    if (error.name === "AbortError") state("stopped");
    else if (error.status === 401) { state(""); showLogin(error.message); }
    else { state("failed"); fail(error, text); }
  } finally {
    session.running = null;
    $("run").disabled = false;
    $("stop").disabled = true;
  }
}

function show(answer, text) {
  const seconds = `${answer.seconds.toFixed(3)} s`;
  if (answer.affected !== null) {
    state(`done, ${answer.affected} row${answer.affected === 1 ? "" : "s"}, ${seconds}`);
    $("result").replaceChildren();
    $("plots").replaceChildren();
    if (/^\s*(create|drop|alter|use|update)\b/i.test(text)) refresh(answer.database);
    return;
  }
  const rows = answer.result.data.length;
  state(`${answer.total} row${answer.total === 1 ? "" : "s"}${rows < answer.total ? `, the first ${rows} shown` : ""}, ${seconds}`);
  table(answer.result);
  draw(answer.plots.length ? answer.plots : drawable(answer.result));
}

function refresh(database) {
  if (database) session.database = database;
  store.set("database", session.database);
  databases().then(() => Promise.all([tables(), anodes()])).catch((error) => fail(error, ""));
}

function fail(error, text) {
  $("result").replaceChildren();
  $("plots").replaceChildren();
  const box = $("error");
  const message = error.message.split("\n")[0];
  box.replaceChildren(message);
  const at = error.position;
  if (text && Number.isInteger(at) && at <= text.length) {
    const word = text.slice(at).match(/^\w+|^./s)?.[0] ?? "";
    box.append("\n\n", text.slice(0, at), Object.assign(document.createElement("mark"), { textContent: word || "⏎" }),
      text.slice(at + word.length));
    const begin = $("sql").value.indexOf(text) + at;
    $("sql").focus();
    $("sql").setSelectionRange(begin, begin + word.length);
  }
  box.hidden = false;
}

$("run").addEventListener("click", run);
$("stop").addEventListener("click", () => session.running?.abort());

// the table

const NUMBER = /^(TINYINT|SMALLINT|INT|BIGINT|FLOAT|DOUBLE|DECIMAL)/;

function cell(value, isNumber) {
  const made = document.createElement("td");
  if (value === null) Object.assign(made, { className: "null", textContent: "NULL" });
  else made.textContent = isNumber && typeof value === "number" && !Number.isInteger(value) ? String(+value.toPrecision(10)) : String(value);
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

// pictures

// The series of a plain result: numbers over its first column of times, one picture for each word beside them.
function drawable(result) {
  const meta = result.column_meta;
  const time = meta.findIndex(([, type]) => type === "TIMESTAMP");
  const numbers = meta.map(([, type], i) => NUMBER.test(type) ? i : -1).filter((i) => i >= 0);
  if (time < 0 || !numbers.length || result.data.length < 2) return [];
  const words = meta.map(([, type], i) => /CHAR/.test(type) ? i : -1).filter((i) => i >= 0);
  const groups = new Map();
  for (const row of result.data) {
    const name = words.map((i) => row[i]).join(" ");
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  return [...groups].slice(0, SHOWN_PLOTS).map(([name, rows]) => {
    const sorted = rows.map((row) => [Date.parse(row[time]) / 1000, row]).sort((a, b) => a[0] - b[0]);
    return { name, times: sorted.map(([at]) => at),
      lines: numbers.map((i) => ({ name: meta[i][0], values: sorted.map(([, row]) => row[i]) })) };
  });
}

const COLOURS = ["#0b63ce", "#c2410c", "#15803d", "#7c3aed", "#be185d", "#0e7490"];

function draw(plots) {
  const figures = plots.slice(0, SHOWN_PLOTS).map(() => Object.assign(document.createElement("figure"), { className: "plot" }));
  $("plots").replaceChildren(...figures);
  plots.slice(0, SHOWN_PLOTS).forEach((plot, i) => picture(figures[i], plot));
}

function picture(figure, plot) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  if (plot.name) figure.append(Object.assign(document.createElement("figcaption"), { textContent: plot.name }));
  const { data, series, bands } = plot.lines ? lined(plot) : ahead(plot, colour);
  const axis = { stroke: colour("faint"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") } };
  new uPlot({
    width: figure.clientWidth || 600, height: 260, series: [{}, ...series], bands,
    axes: [{ ...axis }, { ...axis, size: 64 }],
    cursor: { drag: { x: true, y: false } },
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), "Etc/UTC"),
    hooks: { drawClear: [(u) => shade(u, plot.windows ?? [], colour("unusual"))] },
  }, data, figure);
}

function lined(plot) {
  const series = plot.lines.map((line, i) => ({ label: line.name, stroke: COLOURS[i % COLOURS.length], width: 1.5 }));
  return { data: [plot.times, ...plot.lines.map((line) => line.values)], series, bands: [] };
}

// History, then the forecast with its band; the two meet in the newest point.
function ahead(plot, colour) {
  const next = plot.ahead;
  const history = { label: "history", stroke: colour("history"), width: 1.5 };
  if (!next) return { data: [plot.times, plot.values], series: [history], bands: [] };
  const gap = plot.times.map(() => null);
  const last = plot.values[plot.values.length - 1];
  const joined = (values) => [...gap.slice(0, -1), last, ...values];
  const data = [[...plot.times, ...next.times], [...plot.values, ...next.times.map(() => null)], joined(next.point)];
  const series = [history, { label: "forecast", stroke: colour("ahead"), width: 2, dash: [6, 4] }];
  if (!next.low) return { data, series, bands: [] };
  const edge = { stroke: colour("band"), width: 1, points: { show: false } };
  return {
    data: [...data, joined(next.low), joined(next.high)],
    series: [...series, { ...edge, label: "low" }, { ...edge, label: "high" }],
    bands: [{ series: [4, 3], fill: colour("band") }],
  };
}

function shade(u, windows, fill) {
  u.ctx.save();
  u.ctx.fillStyle = fill;
  for (const [first, last] of windows) {
    const left = u.valToPos(first, "x", true), right = u.valToPos(last, "x", true);
    u.ctx.fillRect(left - 3, u.bbox.top, Math.max(6, right - left + 6), u.bbox.height);
  }
  u.ctx.restore();
}

// earlier statements

let place = -1;

function remember(text) {
  const earlier = [text, ...store.get("history", []).filter((one) => one !== text)].slice(0, KEPT);
  store.set("history", earlier);
  place = -1;
  offer(earlier);
}

function offer(earlier) {
  const options = earlier.map((text, i) => new Option(text.replace(/\s+/g, " ").slice(0, 80), String(i)));
  $("history").replaceChildren(new Option("earlier statements", ""), ...options);
}

function step(by) {
  const earlier = store.get("history", []);
  place = Math.max(-1, Math.min(earlier.length - 1, place + by));
  $("sql").value = place < 0 ? "" : earlier[place];
}

$("history").addEventListener("change", () => {
  const text = store.get("history", [])[Number($("history").value)];
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
  const query = new URLSearchParams({ table: $("upload-table").value, database: session.database,
    format: file.name.toLowerCase().endsWith(".parquet") ? "parquet" : "csv" });
  $("upload-said").textContent = "uploading";
  try {
    const made = await ask(`/v1/upload?${query}`, file, undefined, "application/octet-stream");
    $("upload-said").textContent = `${made.rows} rows in ${made.table}${made.series ? `, ${made.series} series` : ""}`;
    await tables();
    propose(`SELECT * FROM ${quoted(made.table)} ORDER BY 1 DESC LIMIT 100`);
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
});

offer(store.get("history", []));
if (session.login) welcome();
else showLogin();
