// The report of one recording: player, spectrogram, a lane for each tag, events. Needs recording.js and spectrogram.js.
"use strict";

const MIN_SPAN_SECONDS = 4;
const FIRST_EVENTS = 100;
const LANE_HEIGHT = 40;
const RULER_HEIGHT = 24;
const SPECTROGRAM_HEIGHT = 160;
const RULER_STEPS = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
const KEYS = "Arrows: one window. Page up and down: ten. Home, End. Space: play. Plus, minus, 0: zoom.";
const SPECTROGRAM_COLOURS = {
  light: [[255, 255, 255], [205, 222, 240], [96, 150, 205], [40, 66, 140], [22, 16, 52]],
  dark: [[16, 19, 24], [38, 32, 82], [122, 42, 120], [226, 92, 84], [252, 220, 150]],
};

/**
 * Shows a report.
 *
 * @param root The element to fill.
 * @param source {answer, description, spectrogram, audio}: the answer and the description as served, a promise of a
 *     spectrogram or null, and a promise of a Blob or null.
 */
function showReport(root, source) {
  return new Report(root, source);
}

/** Makes an element. Text is always text, never markup. */
function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

class Report {
  constructor(root, source) {
    this.recording = readAnswer(source.answer, source.description);
    this.seconds = Math.max(this.recording.durationSeconds, 0.1);
    this.view = { start: 0, span: this.seconds };
    this.cursor = 0;
    this.sensitivity = 0;
    this.ownSensitivity = new Map();
    this.showsAllTags = false;
    this.onlyTag = "";
    this.eventsShown = FIRST_EVENTS;
    this.spectrogram = null;
    this.build(root);
    this.listen(root);
    this.judge();
    this.receive(source);
    const wanted = new URLSearchParams(location.hash.slice(1)).get("tag");
    if (wanted) this.filter(wanted);
  }

  /** Takes what comes later: the spectrogram and the sound. */
  async receive(source) {
    Promise.resolve(source.audio).then((audio) => audio && this.play(audio));
    const spectrogram = await source.spectrogram;
    if (spectrogram) this.showSpectrogram(spectrogram);
    else this.spectrogramRow.hidden = true;
  }

  showSpectrogram(spectrogram) {
    this.spectrogram = spectrogram;
    this.spectrogramRow.hidden = false;
    this.drawTimeline();
  }

  play(audio) {
    this.audio.src = URL.createObjectURL(audio);
    this.audio.hidden = false;
    this.picker.hidden = true;
  }

  // --- the page ---

  build(root) {
    this.meta = element("p", { class: "meta", role: "status" });
    this.audio = element("audio", { controls: true, preload: "metadata", hidden: true });
    this.picker = this.buildPicker();
    this.summary = element("p", { class: "summary" });
    this.here = element("p", { class: "here" });
    this.lanes = element("ul", { class: "lanes" });
    this.playhead = element("div", { class: "playhead", "aria-hidden": "true" });
    this.tracks = element("div", { class: "tracks" }, this.buildTimeline(), this.lanes, this.playhead);
    root.replaceChildren(
      element("header", { class: "title" }, element("h1", {}, this.recording.name), this.meta),
      element("div", { class: "bar" }, this.audio, this.picker, this.buildSensitivity()),
      element("section", { class: "card", "aria-label": "Tags over time" }, this.buildTools(), this.here, this.tracks),
      this.buildEvents(),
    );
    this.laneOf = new Map(this.recording.tags.map((tag) => [tag.name, this.buildLane(tag)]));
    this.lanes.append(...[...this.laneOf.values()].map((lane) => lane.row));
  }

  buildPicker() {
    const input = element("input", {
      type: "file",
      accept: "audio/*,video/*",
      onchange: async () => {
        const [file] = input.files;
        if (!file) return;
        this.play(file);
        const spectrogram = this.spectrogram ? null : await spectrogramOfAudio(file, this.seconds);
        if (spectrogram) this.showSpectrogram(spectrogram);
      },
    });
    return element("label", { class: "picker" }, "To listen, choose the recording: ", input);
  }

  buildSensitivity() {
    const output = element("output", {}, "0");
    this.slider = element("input", {
      type: "range", min: -2, max: 2, step: 1, value: 0, id: "sensitivity",
      disabled: !this.hasThresholds,
      oninput: () => {
        this.sensitivity = Number(this.slider.value);
        output.value = signed(this.sensitivity);
        this.judge();
      },
    });
    const hint = this.hasThresholds ? "fewer … more tags" : "the server named no thresholds";
    return element("div", { class: "sensitivity" },
      element("label", { for: "sensitivity" }, "Sensitivity "), output, this.slider, element("small", {}, hint));
  }

  get hasThresholds() {
    return this.recording.tags.some((tag) => tag.threshold !== null);
  }

  buildTools() {
    const zoom = (name, label, factor) =>
      element("button", { type: "button", "aria-label": label, title: label, onclick: () => this.zoom(factor) }, name);
    this.allTags = element("input", {
      type: "checkbox",
      onchange: () => {
        this.showsAllTags = this.allTags.checked;
        this.drawLanes();
      },
    });
    return element("div", { class: "tools" },
      element("h2", {}, "Tags over time"),
      element("div", { class: "buttons" }, zoom("−", "Zoom out", 2), zoom("+", "Zoom in", 0.5), zoom("Whole", "Whole recording", Infinity)),
      element("label", { class: "check" }, this.allTags, " Tags that were not heard"));
  }

  buildTimeline() {
    this.ruler = element("canvas", { class: "ruler", "aria-hidden": "true" });
    this.picture = element("canvas", { class: "spectrogram", "aria-hidden": "true" });
    this.spacer = element("div");
    this.scroller = element("div", { class: "scroller", tabindex: -1, onscroll: () => this.scrolled() }, this.spacer);
    this.spectrogramRow = element("div", { class: "row", hidden: true }, element("span", { class: "name quiet" }, "Spectrogram"), this.picture);
    this.timeline = element("div", {
      class: "timeline", role: "slider", tabindex: 0, "aria-label": "Position in the recording",
      "aria-valuemin": 0, "aria-valuemax": this.seconds, "aria-describedby": "keys", onkeydown: (event) => this.key(event),
    },
      element("div", { class: "row" }, element("span", { class: "name quiet" }, "Time"), this.ruler),
      this.spectrogramRow);
    return element("div", {},
      this.timeline,
      element("div", { class: "row scroll" }, element("span", { class: "name" }), this.scroller),
      element("p", { class: "keys", id: "keys" }, KEYS));
  }

  buildLane(tag) {
    const own = element("input", {
      type: "range", min: -2, max: 2, step: 1, value: 0, disabled: tag.threshold === null,
      "aria-label": `Sensitivity of ${tag.name}`, title: "Sensitivity of this tag",
      oninput: () => {
        this.ownSensitivity.set(tag.name, Number(own.value));
        this.judge();
      },
    });
    const button = element("button", { type: "button", class: "tag", onclick: () => this.goToNext(tag) }, readable(tag.name));
    const canvas = element("canvas", { class: "lane", "aria-hidden": "true", height: LANE_HEIGHT });
    const note = element("small");
    const row = element("li", { class: "row" },
      element("span", { class: "name" }, button, note, own), canvas);
    return { tag, row, canvas, button, note, own };
  }

  buildEvents() {
    const select = element("select", { id: "only", onchange: () => this.filter(select.value) },
      element("option", { value: "" }, "All tags"),
      ...this.recording.tags.map((tag) => element("option", { value: tag.name }, readable(tag.name))));
    this.only = select;
    this.rows = element("tbody");
    this.more = element("button", { type: "button", class: "more", onclick: () => { this.eventsShown = Infinity; this.listEvents(); } });
    const download = (label, ending, type, text) =>
      element("button", { type: "button", onclick: () => save(this.recording.name + ending, type, text(this.chosen())) }, label);
    return element("section", { class: "card", "aria-label": "Events" },
      element("div", { class: "tools" },
        element("h2", {}, "Events"),
        element("label", { class: "check", for: "only" }, "Show ", select),
        element("div", { class: "buttons" },
          download("Audacity labels", ".labels.txt", "text/plain", audacityLabels),
          download("CSV", ".csv", "text/csv", csv))),
      this.summary,
      element("table", {},
        element("thead", {}, element("tr", {}, ...["Time", "Tag", "Highest probability"].map((name) => element("th", { scope: "col" }, name)))),
        this.rows),
      this.more);
  }

  // --- what the reader does ---

  listen(root) {
    this.audio.addEventListener("timeupdate", () => this.moveTo(this.audio.currentTime, { follow: true }));
    this.audio.addEventListener("play", () => this.animate());
    for (const canvas of [this.ruler, this.picture, ...[...this.laneOf.values()].map((lane) => lane.canvas)]) {
      canvas.addEventListener("click", (event) => this.listenFrom(this.timeAt(event, canvas)));
      canvas.addEventListener("wheel", (event) => this.wheel(event, canvas), { passive: false });
    }
    new ResizeObserver(() => this.draw()).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  timeAt(event, canvas) {
    const box = canvas.getBoundingClientRect();
    return this.view.start + ((event.clientX - box.left) / box.width) * this.view.span;
  }

  wheel(event, canvas) {
    const isZoom = event.ctrlKey || event.metaKey;
    if (!isZoom && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return; // the page scrolls
    event.preventDefault();
    if (isZoom) this.zoom(2 ** (event.deltaY / 200), this.timeAt(event, canvas));
    else this.look(this.view.start + (event.deltaX / canvas.clientWidth) * this.view.span, this.view.span);
  }

  key(event) {
    const hop = this.recording.hopSeconds;
    const steps = { ArrowLeft: -hop, ArrowDown: -hop, ArrowRight: hop, ArrowUp: hop, PageDown: -10 * hop, PageUp: 10 * hop };
    const places = { Home: 0, End: this.seconds };
    const zooms = { "+": 0.5, "=": 0.5, "-": 2, 0: Infinity };
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key in steps) this.seek(this.cursor + steps[event.key]);
    else if (event.key in places) this.seek(places[event.key]);
    else if (event.key in zooms) this.zoom(zooms[event.key]);
    else if (event.key === " " || event.key === "Enter") this.togglePlaying();
    else return;
    event.preventDefault();
  }

  togglePlaying() {
    if (this.audio.paused) this.audio.play().catch(() => {});
    else this.audio.pause();
  }

  seek(seconds) {
    const position = Math.min(Math.max(seconds, 0), this.seconds);
    if (this.audio.src) this.audio.currentTime = position;
    this.moveTo(position, { follow: true });
  }

  listenFrom(seconds) {
    this.seek(seconds);
    if (this.audio.src) this.audio.play().catch(() => {});
  }

  goToNext(tag) {
    const events = this.events.get(tag.name);
    const next = events.find((event) => event.start > this.cursor + 0.01) ?? events[0];
    if (next) this.listenFrom(next.start);
  }

  filter(name) {
    if (!this.laneOf.has(name) && name) return;
    this.only.value = this.onlyTag = name;
    this.eventsShown = FIRST_EVENTS;
    this.listEvents();
  }

  zoom(factor, around = this.cursorInView()) {
    const span = Math.min(Math.max(this.view.span * factor, Math.min(MIN_SPAN_SECONDS, this.seconds)), this.seconds);
    const share = (around - this.view.start) / this.view.span;
    this.look(around - share * span, span);
  }

  cursorInView() {
    const { start, span } = this.view;
    return this.cursor >= start && this.cursor <= start + span ? this.cursor : start + span / 2;
  }

  look(start, span) {
    this.view = { start: Math.min(Math.max(start, 0), this.seconds - span), span };
    this.drawTimeline();
    this.drawLanes();
  }

  scrolled() {
    const start = (this.scroller.scrollLeft / this.spacer.offsetWidth) * this.seconds;
    // Setting the scroller to the view, rounded to pixels, must not move the view.
    if (Math.abs(start - this.view.start) > (1.5 / this.scroller.clientWidth) * this.view.span) this.look(start, this.view.span);
  }

  moveTo(seconds, { follow = false } = {}) {
    this.cursor = seconds;
    const { start, span } = this.view;
    if (follow && (seconds < start || seconds > start + span)) this.look(seconds - span / 10, span);
    this.drawPlayhead();
  }

  animate() {
    if (this.audio.paused) return;
    this.moveTo(this.audio.currentTime, { follow: true });
    requestAnimationFrame(() => this.animate());
  }

  // --- what follows from the sensitivity ---

  thresholdOf(tag) {
    const steps = this.sensitivity + (this.ownSensitivity.get(tag.name) ?? 0);
    return thresholdAt(tag.threshold, Math.min(Math.max(steps, -2), 2));
  }

  /** Finds the events at the present sensitivity, and shows them. */
  judge() {
    const { tags } = this.recording;
    this.events = new Map(tags.map((tag) => [tag.name, eventsOf(this.recording, tag, this.thresholdOf(tag))]));
    this.drawLanes();
    this.listEvents();
    this.describe();
    const all = [...this.events.values()];
    const parts = [
      clock(this.seconds, this.seconds < 60 ? 1 : 0),
      this.recording.model,
      `${counted(all.flat().length, "event")} of ${counted(all.filter((events) => events.length).length, "tag")}`,
      this.recording.isComplete ? "" : "only probabilities over the thresholds are known",
    ];
    this.meta.textContent = parts.filter(Boolean).join(" · ");
  }

  chosen() {
    const events = this.onlyTag ? this.events.get(this.onlyTag) : [...this.events.values()].flat();
    return events.slice().sort(byTime);
  }

  listEvents() {
    const events = this.chosen();
    const shown = events.slice(0, this.eventsShown);
    this.rows.replaceChildren(...shown.map((event) => this.eventRow(event)));
    this.summary.textContent = events.length ? `${counted(events.length, "event")}` : "Nothing was heard at this sensitivity.";
    this.more.hidden = shown.length === events.length;
    this.more.textContent = `Show all ${events.length}`;
  }

  eventRow(event) {
    const times = `${clock(event.start, 1)} – ${clock(event.end, 1)}`;
    const meter = element("span", { class: "meter", "aria-hidden": "true" });
    meter.style.setProperty("--share", event.peak);
    return element("tr", {},
      element("td", {}, element("button", { type: "button", "aria-label": `Listen from ${times}`, onclick: () => this.listenFrom(event.start) }, times)),
      element("td", {}, readable(event.tag)),
      element("td", {}, meter, event.peak.toFixed(2)));
  }

  // --- drawing ---

  draw() {
    this.colours = coloursOf(document.documentElement);
    this.palette = paletteOf(SPECTROGRAM_COLOURS[matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"]);
    this.drawTimeline();
    this.drawLanes();
  }

  drawTimeline() {
    if (!this.colours || !this.ruler.clientWidth) return;
    this.drawRuler();
    if (this.spectrogram) {
      sized(this.picture, this.ruler.clientWidth, SPECTROGRAM_HEIGHT);
      drawSpectrogram(this.picture, this.spectrogram, this.view.start, this.view.span, this.palette);
      this.drawFrequencies();
    }
    this.spacer.style.width = `${(this.seconds / this.view.span) * 100}%`;
    this.scroller.classList.toggle("idle", this.view.span >= this.seconds);
    this.scroller.scrollLeft = (this.view.start / this.seconds) * this.spacer.offsetWidth;
    this.drawPlayhead();
  }

  drawRuler() {
    const width = this.ruler.clientWidth;
    const context = sized(this.ruler, width, RULER_HEIGHT);
    const { start, span } = this.view;
    const step = RULER_STEPS.find((each) => (each / span) * width >= 70) ?? 28800;
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = this.colours.muted;
    for (let seconds = Math.ceil(start / step) * step; seconds <= start + span; seconds += step) {
      const x = ((seconds - start) / span) * width;
      context.fillRect(x, 17, 1, 7);
      const text = clock(seconds, step < 1 ? 1 : 0);
      if (x + 4 + context.measureText(text).width <= width) context.fillText(text, x + 4, 14);
    }
  }

  drawFrequencies() {
    const context = this.picture.getContext("2d");
    const scale = this.picture.height / SPECTROGRAM_HEIGHT;
    const height = SPECTROGRAM_HEIGHT;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.font = "11px system-ui, sans-serif";
    const low = mel(SPECTROGRAM_LOW_HERTZ);
    for (const hertz of [250, 1000, 4000]) {
      const y = height * (1 - (mel(hertz) - low) / (mel(SPECTROGRAM_RATE / 2) - low));
      const text = hertz < 1000 ? `${hertz} Hz` : `${hertz / 1000} kHz`;
      context.fillStyle = this.colours.surface;
      context.globalAlpha = 0.75;
      context.fillRect(0, y - 8, context.measureText(text).width + 10, 16);
      context.globalAlpha = 1;
      context.fillStyle = this.colours.text;
      context.fillText(text, 5, y + 4);
    }
  }

  drawLanes() {
    if (!this.colours) return;
    // Asked once: after each change of the page the browser would have to lay it out again to know.
    const width = this.ruler.clientWidth;
    for (const lane of this.laneOf.values()) {
      const events = this.events.get(lane.tag.name);
      lane.row.hidden = !events.length && !this.showsAllTags;
      if (lane.row.hidden) continue;
      const highest = peak(lane.tag.values);
      lane.note.textContent = `${events.length ? `${counted(events.length, "event")}, ` : ""}up to ${highest.toFixed(2)}`;
      lane.button.setAttribute("aria-label", `${readable(lane.tag.name)}, ${lane.note.textContent}. Listen to the next event`);
      lane.button.disabled = !events.length;
      this.drawLane(lane, width);
    }
  }

  drawLane({ tag, canvas }, width) {
    const context = sized(canvas, width, LANE_HEIGHT);
    const { values } = tag;
    const { start, span } = this.view;
    const { hopSeconds, starts, ends } = this.recording;
    const threshold = this.thresholdOf(tag);
    // A window's probability stands at its middle, one hop wide.
    const first = (starts[0] + ends[0] - hopSeconds) / 2;
    const window = (x) => Math.min(Math.max(Math.floor((start + (x / width) * span - first) / hopSeconds), 0), values.length - 1);
    const highest = Float32Array.from({ length: width }, (_, x) => {
      let value = 0;
      for (let index = window(x), last = Math.max(index, window(x + 1) - 1); index <= last; index += 1) {
        if (values[index] > value) value = values[index];
      }
      return value;
    });
    for (const isHeard of [false, true]) {
      context.fillStyle = isHeard ? this.colours.accent : this.colours.quiet;
      for (let x = 0; x < width; x += 1) {
        const value = highest[x];
        if (value * LANE_HEIGHT > 0.3 && value >= threshold === isHeard) context.fillRect(x, LANE_HEIGHT * (1 - value), 1, LANE_HEIGHT * value);
      }
    }
    if (tag.threshold === null) return;
    context.strokeStyle = this.colours.threshold;
    context.setLineDash([4, 3]);
    context.beginPath();
    context.moveTo(0, LANE_HEIGHT * (1 - threshold));
    context.lineTo(width, LANE_HEIGHT * (1 - threshold));
    context.stroke();
  }

  drawPlayhead() {
    const box = this.ruler.getBoundingClientRect();
    const share = (this.cursor - this.view.start) / this.view.span;
    this.playhead.hidden = share < 0 || share > 1;
    this.playhead.style.transform = `translateX(${box.left - this.tracks.getBoundingClientRect().left + share * box.width}px)`;
    this.timeline.setAttribute("aria-valuenow", this.cursor.toFixed(2));
    this.describe();
  }

  /** Says what is heard at the cursor, in words. */
  describe() {
    const { starts, tags } = this.recording;
    const index = Math.min(Math.max(Math.floor(this.cursor / this.recording.hopSeconds), 0), starts.length - 1);
    const heard = tags.filter((tag) => tag.values[index] >= this.thresholdOf(tag));
    heard.sort((one, other) => other.values[index] - one.values[index]);
    const words = heard.map((tag) => `${readable(tag.name)} ${tag.values[index].toFixed(2)}`).join(", ") || "nothing";
    const text = `${clock(this.cursor, 1)}: ${words}`;
    if (this.here.textContent === text) return;
    this.here.textContent = text;
    this.timeline.setAttribute("aria-valuetext", text);
  }
}

/** Clears a canvas, and gives it as many pixels as the screen shows of it. Returns its context, in CSS pixels. */
function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const pixels = [Math.round(width * ratio), Math.round(height * ratio)];
  // Setting the size of a canvas takes longer than clearing it.
  if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) [canvas.width, canvas.height] = pixels;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.setLineDash([]);
  context.clearRect(0, 0, width, height);
  return context;
}

function coloursOf(root) {
  const style = getComputedStyle(root);
  const names = ["text", "muted", "surface", "accent", "quiet", "threshold"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

function save(name, type, text) {
  const link = element("a", { download: name, href: URL.createObjectURL(new Blob([text], { type })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function readable(name) {
  return name.replaceAll("_", " ");
}

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function signed(number) {
  return number > 0 ? `+${number}` : String(number).replace("-", "−");
}
