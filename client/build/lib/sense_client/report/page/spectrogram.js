// Spectrograms: decoded from a report, or computed from audio that the browser decodes. spectrogram.py has the same sums.
"use strict";

const SPECTROGRAM_RATE = 16000;
const SPECTROGRAM_FFT = 1024;
const SPECTROGRAM_BANDS = 80;
const SPECTROGRAM_LOW_HERTZ = 50;
const SPECTROGRAM_RANGE_DECIBELS = 80;
// Silence stays dark: the loudest band counts as this loud at least.
const SPECTROGRAM_FLOOR_DECIBELS = -30;
const SPECTROGRAM_MAX_COLUMNS = 30000;
// The browser decodes a whole recording into memory, 8 bytes a sample.
const BROWSER_MAX_SECONDS = 1800;

function mel(hertz) {
  return 2595 * Math.log10(1 + hertz / 700);
}

function hertzAt(position) {
  const low = mel(SPECTROGRAM_LOW_HERTZ);
  return 700 * (10 ** ((low + position * (mel(SPECTROGRAM_RATE / 2) - low)) / 2595) - 1);
}

/** First and last bin of every band, the last one excluded; a band has one bin at least. */
function bandBins() {
  const bin = (position) => Math.round((hertzAt(position) * SPECTROGRAM_FFT) / SPECTROGRAM_RATE);
  return Array.from({ length: SPECTROGRAM_BANDS }, (_, band) => {
    const first = bin(band / SPECTROGRAM_BANDS);
    return [first, Math.max(first + 1, bin((band + 1) / SPECTROGRAM_BANDS))];
  });
}

function base64Bytes(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = characters.charCodeAt(index);
  return bytes;
}

/** Unpacks what spectrogram.py wrote: one byte for each column and band, columns one after the other. */
async function unpackedSpectrogram(packed) {
  const stream = new Blob([base64Bytes(packed.levels)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return { columnSeconds: packed.column_seconds, levels: new Uint8Array(await new Response(stream).arrayBuffer()) };
}

/** Decodes audio in the browser and computes its spectrogram. Null where that is too long, or the browser cannot. */
async function spectrogramOfAudio(blob, durationSeconds) {
  if (durationSeconds > BROWSER_MAX_SECONDS) return null;
  try {
    const context = new OfflineAudioContext(1, 1, SPECTROGRAM_RATE);
    const audio = await context.decodeAudioData(await blob.arrayBuffer());
    const channels = Array.from({ length: audio.numberOfChannels }, (_, index) => audio.getChannelData(index));
    const mono = channels[0].map((_, index) => channels.reduce((sum, each) => sum + each[index], 0) / channels.length);
    return await spectrogramOfSamples(mono);
  } catch {
    return null;
  }
}

async function spectrogramOfSamples(samples) {
  const hop = Math.max(160, Math.ceil(samples.length / SPECTROGRAM_MAX_COLUMNS));
  const numColumns = Math.max(1, Math.ceil(samples.length / hop));
  const decibels = new Float32Array(numColumns * SPECTROGRAM_BANDS);
  const bands = bandBins();
  const window = Float64Array.from({ length: SPECTROGRAM_FFT }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / SPECTROGRAM_FFT));
  let paused = Date.now();
  for (let column = 0; column < numColumns; column += 1) {
    const frame = Float64Array.from(window, (weight, n) => weight * (samples[column * hop + n] ?? 0));
    const power = powerSpectrum(frame);
    bands.forEach(([first, last], band) => {
      let sum = 0;
      for (let bin = first; bin < last; bin += 1) sum += power[bin];
      decibels[column * SPECTROGRAM_BANDS + band] = 10 * Math.log10(sum / (last - first) + 1e-12);
    });
    if (Date.now() - paused > 30) {
      await new Promise((resume) => setTimeout(resume)); // lets the page answer meanwhile
      paused = Date.now();
    }
  }
  return { columnSeconds: hop / SPECTROGRAM_RATE, levels: levelsOf(decibels) };
}

function levelsOf(decibels) {
  const loudest = decibels.reduce((highest, value) => Math.max(highest, value), SPECTROGRAM_FLOOR_DECIBELS);
  const scale = 255 / SPECTROGRAM_RANGE_DECIBELS;
  return Uint8ClampedArray.from(decibels, (value) => (value - loudest + SPECTROGRAM_RANGE_DECIBELS) * scale);
}

/** The power of each bin of a real frame; a full-scale sine has 0.25. Radix-2 FFT (Cooley and Tukey, 1965). */
function powerSpectrum(frame) {
  const size = frame.length;
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  for (let index = 0, reversed = 0; index < size; index += 1) {
    real[reversed] = frame[index];
    let bit = size >> 1;
    while (bit && reversed & bit) {
      reversed ^= bit;
      bit >>= 1;
    }
    reversed |= bit;
  }
  for (let half = 1; half < size; half *= 2) {
    for (let offset = 0; offset < half; offset += 1) {
      const cosine = Math.cos((Math.PI * offset) / half);
      const sine = -Math.sin((Math.PI * offset) / half);
      for (let even = offset; even < size; even += 2 * half) {
        const odd = even + half;
        const oddReal = real[odd] * cosine - imaginary[odd] * sine;
        const oddImaginary = real[odd] * sine + imaginary[odd] * cosine;
        real[odd] = real[even] - oddReal;
        imaginary[odd] = imaginary[even] - oddImaginary;
        real[even] += oddReal;
        imaginary[even] += oddImaginary;
      }
    }
  }
  const scale = (2 / size) ** 2;
  return Float64Array.from({ length: size / 2 + 1 }, (_, bin) => (real[bin] ** 2 + imaginary[bin] ** 2) * scale);
}

/** Draws the columns from `startSeconds` on, `spanSeconds` of them, loudest of those that share a pixel. */
function drawSpectrogram(canvas, spectrogram, startSeconds, spanSeconds, palette) {
  const { columnSeconds, levels } = spectrogram;
  const numColumns = levels.length / SPECTROGRAM_BANDS;
  const width = canvas.width;
  const picture = new ImageData(width, SPECTROGRAM_BANDS);
  const pixels = new Uint32Array(picture.data.buffer);
  const column = (x) => Math.floor((startSeconds + (x / width) * spanSeconds) / columnSeconds);
  for (let x = 0; x < width; x += 1) {
    const first = column(x);
    const last = Math.min(Math.max(first + 1, column(x + 1)), numColumns);
    for (let band = 0; band < SPECTROGRAM_BANDS; band += 1) {
      let level = 0;
      for (let each = first; each < last; each += 1) level = Math.max(level, levels[each * SPECTROGRAM_BANDS + band]);
      pixels[(SPECTROGRAM_BANDS - 1 - band) * width + x] = palette[level];
    }
  }
  const small = new OffscreenCanvas(width, SPECTROGRAM_BANDS);
  small.getContext("2d").putImageData(picture, 0, 0);
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(small, 0, 0, width, canvas.height);
}

/** 256 colours between the stops, each a list of red, green and blue. */
function paletteOf(stops) {
  return Uint32Array.from({ length: 256 }, (_, level) => {
    const position = (level / 255) * (stops.length - 1);
    const stop = Math.min(Math.floor(position), stops.length - 2);
    const mixed = stops[stop].map((value, index) => value + (stops[stop + 1][index] - value) * (position - stop));
    return (255 << 24) | (Math.round(mixed[2]) << 16) | (Math.round(mixed[1]) << 8) | Math.round(mixed[0]);
  });
}
