// What a tagger answered, and what follows from it at a sensitivity. Knows no page.
"use strict";

/**
 * Reads an answer as served.
 *
 * @param answer {metadata, data}. With "probabilities" in its windows every tag has all its values.
 * @param description The server's description of its model, or null: then only the tags that were heard are known, and
 *     their thresholds are not.
 * @returns tags, each with a Float32Array `values` with one probability per window, NaN where the answer has none.
 */
function readAnswer(answer, description) {
  const windows = answer.data;
  const isComplete = windows.length > 0 && windows.every((window) => window.probabilities);
  const known = description ? description.tags : namesIn(windows).map((name) => ({ name, category: "", threshold: null }));
  const tags = known.map((tag) => ({ ...tag, values: new Float32Array(windows.length).fill(NaN) }));
  const byName = new Map(tags.map((tag) => [tag.name, tag]));
  windows.forEach((window, index) => {
    const heard = window.tags.map((tag) => [tag.name, tag.probability]);
    for (const [name, probability] of Object.entries(window.probabilities ?? Object.fromEntries(heard))) {
      const tag = byName.get(name);
      if (tag && probability !== null) tag.values[index] = probability;
    }
  });
  const starts = windows.map((window) => window.start_time);
  return {
    name: answer.metadata.name,
    durationSeconds: answer.metadata.length_sec,
    model: description ? `${description.name} ${description.version}` : "",
    isComplete,
    starts,
    ends: windows.map((window) => window.end_time),
    hopSeconds: starts.length > 1 ? starts[1] - starts[0] : Math.max(answer.metadata.length_sec, 0.001),
    tags: tags.sort((one, other) => margin(other) - margin(one)),
  };
}

function namesIn(windows) {
  return [...new Set(windows.flatMap((window) => window.tags.map((tag) => tag.name)))];
}

/** How far above its threshold a tag comes at most, on the logit scale: the order in which tags are heard. */
function margin(tag) {
  return logit(peak(tag.values)) - (tag.threshold === null ? 0 : logit(tag.threshold));
}

function peak(values) {
  return values.reduce((highest, value) => (value > highest ? value : highest), 0);
}

function logit(probability) {
  return Math.log(probability) - Math.log1p(-probability);
}

/** The probability from which a tag counts as heard, as the server computes it: a float32. */
function thresholdAt(threshold, sensitivity) {
  if (threshold === null) return 0;
  const own = Math.fround(threshold);
  return sensitivity === 0 ? own : Math.fround(1 / (1 + Math.exp(sensitivity - logit(own))));
}

/** The events of a tag: windows in a row in which it reaches its threshold. */
function eventsOf(recording, tag, threshold) {
  const events = [];
  let event = null;
  tag.values.forEach((value, index) => {
    if (!(value >= threshold)) {
      event = null;
      return;
    }
    if (!event) events.push((event = { tag: tag.name, start: recording.starts[index], end: 0, peak: 0 }));
    event.end = recording.ends[index];
    event.peak = Math.max(event.peak, value);
  });
  return events;
}

function byTime(one, other) {
  return one.start - other.start || other.peak - one.peak || (one.tag < other.tag ? -1 : 1);
}

/** Audacity's label track: start, end and text, between tabs. */
function audacityLabels(events) {
  return events.map((event) => `${event.start.toFixed(6)}\t${event.end.toFixed(6)}\t${event.tag}\n`).join("");
}

/** Comma-separated values as in RFC 4180. */
function csv(events) {
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = events.map((event) => [event.start, event.end, quoted(event.tag), shortest(event.peak)].join(","));
  return ["start_seconds,end_seconds,tag,highest_probability", ...rows].map((row) => `${row}\r\n`).join("");
}

/** The shortest decimal that is the same float32. */
function shortest(value) {
  for (let digits = 1; digits <= 9; digits += 1) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === Math.fround(value)) return String(Number(text));
  }
  return String(value);
}

/** 3725.5 -> 1:02:05.5 */
function clock(seconds, decimals = 0) {
  const unit = 10 ** decimals;
  const total = Math.round(seconds * unit) / unit;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  const rest = (total % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}
