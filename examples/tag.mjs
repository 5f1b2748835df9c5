// Tags a recording: node tag.mjs street.mp3. A browser has the same fetch.
import { readFile } from "node:fs/promises";

const url = process.env.SENSE_URL ?? "http://127.0.0.1:8080";
const response = await fetch(`${url}/invocations`, {
  method: "POST",
  headers: { "Content-Type": "application/octet-stream", "X-Default-Sensitivity": "1" },
  body: await readFile(process.argv[2]),
});
const answer = await response.json();
if (!response.ok) throw new Error(answer.error);
for (const window of answer.data) {
  const tags = window.tags.map((tag) => `${tag.name} ${tag.probability.toFixed(2)}`).join(", ");
  console.log(`${window.start_time}-${window.end_time} s: ${tags}`);
}
