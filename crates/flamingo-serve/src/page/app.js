// The page: a prompt of blocks (examples, then the question), what the server answers, and how it got there.
import {element, showAnswer, showBars, showError, showGates, showLooks, showPicked, showTimings} from "./results.js";
import {asCurl, asPython} from "./programs.js";

const $ = (id) => document.getElementById(id);
const FIELDS = ["max_tokens", "temperature", "num_beams"];
/** @type {{media: {kind: string, url: string}[], text: string}[]} the last one is the question */
let blocks = [question()];
let about = {};
let form = "curl";
let running = null;

function question() {
  return {media: [], text: "Output:"};
}

function headers() {
  const key = sessionStorage.getItem("key");
  return {"Content-Type": "application/json", ...(key ? {Authorization: `Bearer ${key}`} : {})};
}

/** The parts of the prompt as the server takes them. */
function parts() {
  const all = [];
  blocks.forEach((block, i) => {
    for (const medium of block.media) all.push({[medium.kind]: medium.url});
    if (block.text) all.push({text: block.text});
    if (i < blocks.length - 1) all.push({end: true});
  });
  return all;
}

function shots() {
  if (!$("set").value) return undefined;
  const choose = $("choose").value;
  return {set: $("set").value, choose, ...(choose === "all" ? {} : {count: Number($("count").value)})};
}

function askBody() {
  const body = {parts: parts()};
  for (const name of FIELDS) body[name] = Number($(name).value);
  if (shots()) body.shots = shots();
  return body;
}

function draw() {
  const list = $("blocks");
  list.replaceChildren(...blocks.map(blockElement));
  drawRequest();
}

function blockElement(block, at) {
  const item = $("block").content.firstElementChild.cloneNode(true);
  const isQuestion = at === blocks.length - 1;
  const title = isQuestion ? "Question" : `Example ${at + 1}`;
  item.classList.toggle("query", isQuestion);
  item.dataset.at = at;
  item.querySelector("strong").textContent = title;
  const text = item.querySelector("textarea");
  text.value = block.text;
  text.setAttribute("aria-label", isQuestion ? "Text that the answer continues" : `Text of example ${at + 1}`);
  text.placeholder = isQuestion ? "Output:" : "Output: what it shows";
  text.addEventListener("input", () => { block.text = text.value; drawRequest(); });
  const [up, down, remove] = [".up", ".down", ".remove"].map((name) => item.querySelector(name));
  up.hidden = down.hidden = remove.hidden = isQuestion;
  up.disabled = at === 0;
  down.disabled = at >= blocks.length - 2;
  up.addEventListener("click", () => move(at, -1));
  down.addEventListener("click", () => move(at, 1));
  remove.addEventListener("click", () => { blocks.splice(at, 1); draw(); $("add-shot").focus(); });
  item.querySelector(".media").replaceChildren(...block.media.map((medium, i) => mediumElement(block, medium, i)));
  item.addEventListener("dragover", (event) => { event.preventDefault(); item.classList.add("over"); });
  item.addEventListener("dragleave", () => item.classList.remove("over"));
  item.addEventListener("drop", (event) => { event.preventDefault(); event.stopPropagation(); dropped(event, block, at); });
  item.draggable = !isQuestion;
  item.addEventListener("dragstart", (event) => event.dataTransfer.setData("text/x-block", String(at)));
  return item;
}

function mediumElement(block, medium, i) {
  const remove = element("button", {type: "button", "aria-label": `Remove picture ${i + 1}`}, "✕");
  remove.addEventListener("click", () => { block.media.splice(i, 1); draw(); });
  const picture = element("img", {src: medium.url, alt: medium.kind === "video" ? "a film" : "a picture"});
  const nodes = [picture, remove];
  if (medium.kind === "video") nodes.push(element("span", {}, "film"));
  return element("div", {class: "medium", role: "listitem"}, ...nodes);
}

function move(at, by) {
  const to = at + by;
  [blocks[at], blocks[to]] = [blocks[to], blocks[at]];
  draw();
  const button = $("blocks").children[to].querySelector(by < 0 ? ".up" : ".down");
  (button.disabled ? $("blocks").children[to].querySelector(by < 0 ? ".down" : ".up") : button).focus();
}

function dropped(event, block, at) {
  const from = event.dataTransfer.getData("text/x-block");
  if (from !== "") {
    const to = Math.min(at, blocks.length - 2);
    blocks.splice(to, 0, blocks.splice(Number(from), 1)[0]);
    draw();
    return;
  }
  take(event.dataTransfer.files, block);
}

/** Puts files into a block: what moves is a film. */
async function take(files, block = blocks[blocks.length - 1]) {
  for (const file of files) {
    if (!file.type.startsWith("image/")) {
      showError(`${file.name} is ${file.type || "of an unknown kind"}: give PNG, JPEG, WebP or GIF`);
      continue;
    }
    const url = await new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.onerror = () => reject(reader.error);
      reader.readAsDataURL(file);
    });
    block.media.push({kind: (await moves(file)) ? "video" : "image", url});
  }
  draw();
}

/** Whether a file has more than one frame: more than one picture in a GIF, the mark of an animated WebP or PNG. */
async function moves(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = (from, length) => String.fromCharCode(...bytes.subarray(from, from + length));
  if (text(0, 3) === "GIF") return gifFrames(bytes) > 1;
  if (text(0, 4) === "RIFF") return text(12, 4) === "VP8X" && (bytes[20] & 2) !== 0;
  if (text(1, 3) === "PNG") return text(33, 1000).includes("acTL");
  return false;
}

function gifFrames(bytes) {
  let at = 13 + (bytes[10] & 128 ? 3 << ((bytes[10] & 7) + 1) : 0);
  let frames = 0;
  const skipBlocks = () => { while (at < bytes.length && bytes[at]) at += bytes[at] + 1; at += 1; };
  while (at < bytes.length && bytes[at] !== 0x3b) {
    if (bytes[at] === 0x2c) {
      frames += 1;
      const flags = bytes[at + 9];
      at += 10 + (flags & 128 ? 3 << ((flags & 7) + 1) : 0) + 1;
    } else {
      at += 2;
    }
    skipBlocks();
  }
  return frames;
}

async function send(path, body, signal) {
  const response = await fetch(path, {method: "POST", headers: headers(), body: JSON.stringify(body), signal});
  if (response.ok) return response;
  if (response.status === 401) $("key-label").hidden = false;
  const told = await response.json().catch(() => ({}));
  throw new Error(told.error?.message ?? `the server answered ${response.status}`);
}

/** Runs one request at a time; the button that stops it is there while it runs. */
async function busy(work) {
  running?.abort();
  const own = running = new AbortController();
  showError("");
  $("stop").hidden = false;
  $("answer").classList.add("waiting");
  try {
    await work(own.signal);
  } catch (error) {
    if (error.name !== "AbortError") showError(error.message);
  } finally {
    if (running === own) {
      running = null;
      $("stop").hidden = true;
      $("answer").classList.remove("waiting");
    }
  }
}

function clearResults() {
  showAnswer("");
  for (const id of ["look", "bars", "picked", "timings"]) $(id).hidden = true;
  $("tokens").replaceChildren();
}

function ask() {
  return busy(async (signal) => {
    clearResults();
    $("results-title").textContent = "Answer";
    const body = askBody();
    const response = await send("/ask", {...body, stream: true}, signal);
    await showPicked(body.shots?.set, response.headers.get("x-flamingo-shots"), headers());
    let text = "";
    let answers = [];
    await events(response, (told) => {
      if (told.error) throw new Error(told.error.message);
      if (told.answers) answers = told.answers;
      else if (told.answer === 0) showAnswer(text += told.text);
    });
    if (!answers.length) throw new Error("the answer broke off");
    showAnswer(answers[0].text);
    showTimings(answers[0]);
    await look(body, answers[0], signal);
  });
}

/** Asks once more, which is known by now, for where each token looked. */
async function look(body, answer, signal) {
  const medium = blocks[blocks.length - 1].media.at(-1) ?? blocks.flatMap((block) => block.media).at(-1);
  if (!medium || body.num_beams > 1) return showLooks(answer, null, null, about.fit);
  const told = await (await send("/ask", {...body, look: true}, signal)).json();
  showLooks(answer, told.looks, medium, about.fit);
}

async function events(response, take) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data: ") && line !== "data: [DONE]") take(JSON.parse(line.slice(6)));
    }
  }
}

function score() {
  return busy(async (signal) => {
    clearResults();
    $("results-title").textContent = "Scores";
    // A word follows the prompt behind a space.
    const lines = $("candidates").value.split("\n").map((line) => line.trim()).filter(Boolean);
    if (!lines.length) throw new Error("there are no candidates: write one a line");
    const body = {parts: parts(), candidates: lines.map((line) => ` ${line}`), by: "mean"};
    if (shots()) body.shots = shots();
    const response = await send("/score", body, signal);
    await showPicked(body.shots?.set, response.headers.get("x-flamingo-shots"), headers());
    showBars(await response.json());
  });
}

function drawRequest() {
  $("code").textContent = (form === "curl" ? asCurl : asPython)(location.origin, askBody());
}

async function start() {
  draw();
  try {
    const response = await fetch("/about", {headers: headers()});
    if (response.status === 401) {
      $("key-label").hidden = false;
      throw new Error("this server wants a key: write it above");
    }
    about = await response.json();
    $("model").textContent = `${about.model}, version ${about.version}`;
    showGates(about.gates);
    const {sets} = await (await fetch("/shots", {headers: headers()})).json();
    $("set-fields").hidden = !sets.length;
    $("set").append(...sets.map((set) => element("option", {value: set.name}, `${set.name} (${set.shots})`)));
  } catch (error) {
    showError(error.message);
  }
}

$("ask").addEventListener("click", ask);
$("score").addEventListener("click", score);
$("stop").addEventListener("click", () => running?.abort());
$("clear").addEventListener("click", () => { blocks = [question()]; clearResults(); showError(""); draw(); });
$("add-shot").addEventListener("click", () => {
  blocks.splice(blocks.length - 1, 0, {media: [], text: "Output: "});
  draw();
  $("blocks").children[blocks.length - 2].querySelector("textarea").focus();
});
$("files").addEventListener("change", (event) => { take(event.target.files); event.target.value = ""; });
$("key").addEventListener("change", (event) => { sessionStorage.setItem("key", event.target.value); location.reload(); });
// Browsers have it on safe origins only.
$("copy").hidden = !navigator.clipboard;
$("copy").addEventListener("click", () => navigator.clipboard.writeText($("code").textContent));
for (const id of [...FIELDS, "set", "choose", "count"]) $(id).addEventListener("input", drawRequest);
for (const tab of document.querySelectorAll("[data-form]")) {
  tab.addEventListener("click", () => {
    form = tab.dataset.form;
    for (const other of document.querySelectorAll("[data-form]")) other.setAttribute("aria-pressed", other === tab);
    drawRequest();
  });
}
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => { event.preventDefault(); take(event.dataTransfer.files); });
document.addEventListener("paste", (event) => {
  const at = event.target.closest?.(".block")?.dataset.at;
  if (event.clipboardData.files.length) take(event.clipboardData.files, blocks[at ?? blocks.length - 1]);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask();
  if (event.key === "Escape") running?.abort();
});
start();
