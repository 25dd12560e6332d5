// Pictures: the series behind FORECAST and ANOMALY_WINDOW, or the numbers of a plain result over their times.

export const NUMBER = /^(TINYINT|SMALLINT|INT|BIGINT|FLOAT|DOUBLE|DECIMAL)/;
const WHOLE = /^(TINYINT|SMALLINT|INT|BIGINT)/;
const WORD = /CHAR/;
const MOST = 12;          // pictures
const HEIGHT = 260;
const HALF_A_DAY = 43_200;
const COLOURS = ["#0b63ce", "#c2410c", "#15803d", "#7c3aed", "#be185d", "#0e7490"];

const place = document.getElementById("plots");
const shown = { plots: [], notes: [], charts: [] };

export function clear() {
  draw([]);
}

// `notes` say what of the result is not drawn.
export function draw(plots, notes = []) {
  for (const chart of shown.charts) chart.destroy();
  Object.assign(shown, { plots, notes });
  const figures = plots.map(() => Object.assign(document.createElement("figure"), { className: "plot" }));
  place.replaceChildren(...notes.map((text) => paragraph(text)), ...figures);
  shown.charts = plots.map((plot, i) => picture(figures[i], plot));
}

// The same in the colours of now.
export function redraw() {
  draw(shown.plots, shown.notes);
}

new ResizeObserver(() => {
  for (const chart of shown.charts) {
    const width = chart.root.parentElement.clientWidth;
    if (width && width !== chart.width) chart.setSize({ width, height: HEIGHT });
  }
}).observe(place);

function paragraph(text) {
  return Object.assign(document.createElement("p"), { className: "note", textContent: text });
}

// A plain result

// The lines of a result: numbers over its first column of times, one picture for each series that the rows are of.
export function drawable(result) {
  const meta = result.column_meta;
  const time = meta.findIndex(([, type]) => type === "TIMESTAMP");
  const rows = result.data.filter((row) => row[time] !== null);
  const keys = time < 0 ? [] : keysOf(meta, rows, time);
  const lines = columnsOf(meta, NUMBER).filter((i) => !keys.includes(i) && !isName(meta, rows, keys, i));
  if (time < 0 || !lines.length) return { plots: [], notes: [] };
  const groups = Map.groupBy(rows, (row) => keys.map((i) => row[i]).join(" "));
  const drawn = [...groups].filter(([, own]) => own.length > 1);
  const single = groups.size - drawn.length, notes = [];
  if (drawn.length > MOST) notes.push(`the first ${MOST} of ${drawn.length} series are drawn`);
  if (drawn.length && single) notes.push(`series of one row are not drawn: ${single}`);
  const plots = drawn.slice(0, MOST).map(([name, own]) => {
    const sorted = own.map((row) => [Date.parse(row[time]) / 1000, row]).sort((a, b) => a[0] - b[0]);
    return { name, times: sorted.map(([at]) => at),
      lines: lines.map((i) => ({ name: meta[i][0], values: sorted.map(([, row]) => row[i]) })) };
  });
  return { plots, notes };
}

const columnsOf = (meta, kind) => meta.flatMap(([, type], i) => kind.test(type) ? [i] : []);

const distinct = (rows, columns) => new Set(rows.map((row) => JSON.stringify(columns.map((i) => row[i])))).size;

// What tells the series apart: words, and where their times repeat, that whole number of fewest values which does.
function keysOf(meta, rows, time) {
  const words = columnsOf(meta, WORD);
  if (distinct(rows, [time, ...words]) === rows.length) return words;
  const [one] = columnsOf(meta, WHOLE).filter((i) => distinct(rows, [time, ...words, i]) === rows.length)
    .sort((a, b) => distinct(rows, [a]) - distinct(rows, [b]));
  return one === undefined ? words : [...words, one];
}

// A whole number that is the same in all rows of a series, as tags are, is no line of several series.
function isName(meta, rows, keys, i) {
  const series = distinct(rows, keys);
  return WHOLE.test(meta[i][1]) && series > 1 && distinct(rows, [...keys, i]) === series;
}

// One picture

const DAY = "{YYYY}-{MM}-{DD}", MOMENT = `${DAY} {HH}:{mm}:{ss}`;
// The times below a picture: from this distance of two in seconds on, a text; more of it where a year or a day begins.
const MOMENTS = [
  [31_536_000, "{YYYY}", null, null, null, null, null, null, 1],
  [2_419_200, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [86_400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", `\n${DAY}`, null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", `\n${DAY}`, null, "\n{MM}-{DD}", null, null, null, 1],
  [0.001, "{ss}.{fff}", `\n${MOMENT}`, null, `\n${MOMENT}`, null, "\n{HH}:{mm}", null, 1],
];

function picture(figure, plot) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  if (plot.name) figure.append(Object.assign(document.createElement("figcaption"), { textContent: plot.name }));
  const note = noteOf(plot);
  if (note) figure.append(paragraph(note));
  const { data, series, bands } = plot.lines ? lined(plot) : foretold(plot, colour);
  const axis = { stroke: colour("faint"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") } };
  const valued = series.map((one) => ({ ...one, value: (_, value) => value == null ? "--" : numberText(value) }));
  return new uPlot({
    width: figure.clientWidth || 600, height: HEIGHT, series: [{ value: MOMENT }, ...valued], bands,
    scales: { x: { range: (_, first, last) => first === last ? [first - HALF_A_DAY, last + HALF_A_DAY] : [first, last] } },
    axes: [{ ...axis, values: MOMENTS }, { ...axis, size: roomFor, values: (_, splits) => splits.map(numberText) }],
    cursor: { drag: { x: true, y: false } },
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), "Etc/UTC"),
    hooks: { drawClear: [(u) => shade(u, plot.windows ?? [], colour("unusual"))] },
  }, data, figure);
}

// What is left out of a picture, or drawn beyond the rows.
function noteOf(plot) {
  if (plot.lines) return "";
  const points = plot.points.toLocaleString("en"), isWhole = plot.values.length === plot.points;
  if (plot.windows) {
    const found = `${plot.windows.length} window${plot.windows.length === 1 ? "" : "s"} found, all shaded`;
    return isWhole ? found : `${found}; of ${points} points the least and the largest of each stretch`;
  }
  return isWhole ? "" : `the newest ${plot.values.length.toLocaleString("en")} of ${points} points`;
}

const DIGITS = new Intl.NumberFormat("en", { maximumSignificantDigits: 12 });

function numberText(value) {
  if (value === null) return "";
  const size = Math.abs(value), rounded = Number(value.toPrecision(12));
  return size !== 0 && (size >= 1e12 || size < 1e-6) ? rounded.toExponential() : DIGITS.format(rounded);
}

// The width of the axis of values: that of its longest text, and room for a date below it. A second look would waver.
function roomFor(u, texts, index, cycle) {
  const axis = u.axes[index];
  if (cycle > 1) return axis._size;
  u.ctx.font = axis.font[0];
  const widest = Math.max(0, ...(texts ?? []).map((text) => u.ctx.measureText(text).width));
  return Math.max(42, Math.ceil(4 + widest / devicePixelRatio + axis.gap + axis.ticks.size));
}

const numbers = (values) => values.map((value) => value === null ? null : Number(value));

function lined(plot) {
  const series = plot.lines.map((line, i) => ({ label: line.name, stroke: COLOURS[i % COLOURS.length], width: 1.5 }));
  return { data: [plot.times, ...plot.lines.map((line) => numbers(line.values))], series, bands: [] };
}

// History, then the forecast with its band; the two meet in the newest point, if the forecast goes on from there.
function foretold(plot, colour) {
  const next = plot.ahead, values = numbers(plot.values);
  const history = { label: "history", stroke: colour("history"), width: 1.5 };
  if (!next) return { data: [plot.times, values], series: [history], bands: [] };
  const newest = next.joined ? values.findLastIndex((value) => value !== null) : -1;
  const begin = newest < 0 ? [] : [newest];
  const lines = (next.low ? [next.point, next.low, next.high] : [next.point])
    .map((line) => [...begin.map((i) => values[i]), ...numbers(line)]);
  const data = uPlot.join([[plot.times, values], [[...begin.map((i) => plot.times[i]), ...next.times], ...lines]]);
  const edge = { stroke: colour("band"), width: 1, points: { show: false } };
  const series = [history, { label: "forecast", stroke: colour("ahead"), width: 2, dash: [6, 4] },
    { ...edge, label: "low" }, { ...edge, label: "high" }];
  return { data, series: series.slice(0, 1 + lines.length), bands: next.low ? [{ series: [4, 3], fill: colour("band") }] : [] };
}

function shade(u, windows, fill) {
  const { left, top, width, height } = u.bbox;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, top, width, height);
  u.ctx.clip();
  u.ctx.beginPath();  // one path: windows that touch are no darker
  for (const [first, last] of windows) {
    const begin = u.valToPos(first, "x", true), end = u.valToPos(last, "x", true);
    u.ctx.rect(begin - 2, top, end - begin + 4, height);
  }
  u.ctx.fillStyle = fill;
  u.ctx.fill();
  u.ctx.restore();
}
