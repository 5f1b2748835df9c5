// The page of the local server: a file or the microphone -> the server -> the report, all on this machine.
"use strict";

const part = (id) => document.getElementById(id);
const MAX_RECORDING_SECONDS = 600;
let request = null;
let recorder = null;
let report = null;

function say(text, isError = false) {
  part("status").textContent = text;
  part("status").classList.toggle("error", isError);
}

/** Sends a sound to the server, and shows the report of it. */
async function tag(sound, name) {
  request?.abort();
  part("report").replaceChildren();
  try {
    const answer = JSON.parse(await posted(sound, name));
    const described = await fetch("info");
    const description = described.ok ? await described.json() : null;
    const spectrogram = spectrogramOfAudio(sound, answer.metadata.length_sec);
    say("");
    report = showReport(part("report"), { answer, description, spectrogram, audio: sound });
  } catch (error) {
    say(error.message, true);
  }
}

/** Posts a sound; `fetch` could not tell how far the upload is. Returns the answer's text. */
function posted(sound, name) {
  return new Promise((resolve, reject) => {
    const sent = new XMLHttpRequest();
    request = sent;
    const end = (settle, value) => {
      if (request === sent) busy(false);
      settle(value);
    };
    sent.upload.onprogress = (event) => {
      if (event.lengthComputable) part("progress").value = event.loaded / event.total;
      if (event.loaded === event.total) say(`Listening to ${name} …`);
    };
    sent.onload = () => (sent.status === 200 ? end(resolve, sent.responseText) : end(reject, new Error(explained(sent))));
    sent.onerror = () => end(reject, new Error("The server cannot be reached. Is `make serve` still running?"));
    sent.onabort = () => end(reject, new Error("Cancelled."));
    sent.open("POST", "invocations");
    sent.setRequestHeader("Content-Type", sound.type || "application/octet-stream");
    sent.setRequestHeader("X-Filename", `UTF-8''${encodeURIComponent(name)}`);
    sent.setRequestHeader("X-All-Probabilities", "1");
    say(`Sending ${name} …`);
    busy(true);
    sent.send(sound);
  });
}

function explained(sent) {
  try {
    return `The server says: ${JSON.parse(sent.responseText).error}`;
  } catch {
    return `The server answered with status ${sent.status}.`;
  }
}

function busy(isBusy) {
  part("progress").hidden = part("cancel").hidden = !isBusy;
  part("progress").value = 0;
}

/** Starts to record, or ends it and tags what was recorded. */
async function record() {
  if (recorder) {
    recorder.stop();
    return;
  }
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const chunks = [];
    const started = new MediaRecorder(stream);
    const timer = setInterval(() => {
      const seconds = Math.round((Date.now() - began) / 1000);
      say(`Recording, ${clock(seconds)}. Press Stop when you have enough.`);
      if (seconds >= MAX_RECORDING_SECONDS) started.stop();
    }, 500);
    const began = Date.now();
    started.ondataavailable = (event) => chunks.push(event.data);
    started.onstop = () => {
      clearInterval(timer);
      stream.getTracks().forEach((track) => track.stop());
      recorder = null;
      part("record").textContent = "Record";
      tag(new Blob(chunks, { type: started.mimeType.split(";")[0] }), "recording");
    };
    started.start();
    recorder = started;
    part("record").textContent = "Stop";
    say("Recording.");
  } catch (error) {
    say(`The microphone cannot be used: ${error.message}`, true);
  }
}

part("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) tag(file, file.name);
  event.target.value = "";
});
part("record").addEventListener("click", record);
part("cancel").addEventListener("click", () => request?.abort());
addEventListener("dragover", (event) => {
  event.preventDefault();
  part("drop").classList.add("over");
});
addEventListener("dragleave", () => part("drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  part("drop").classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (file) tag(file, file.name);
});
