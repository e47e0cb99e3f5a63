// What came of a request, drawn.

const $ = (id) => document.getElementById(id);

/** An element with attributes and children. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function showAnswer(text) {
  $("answer").textContent = text.trimStart();
}

export function showError(message) {
  $("error").hidden = !message;
  $("error").textContent = message;
}

/** Candidates from the likeliest, each with its share of the probability. */
export function showBars(scores) {
  const best = Math.max(...scores.candidates.map((candidate) => candidate.mean));
  const weights = scores.candidates.map((candidate) => Math.exp(candidate.mean - best));
  const sum = weights.reduce((a, b) => a + b, 0);
  const order = scores.candidates.map((_, i) => i).sort((a, b) => weights[b] - weights[a]);
  $("bars").hidden = false;
  $("bars").replaceChildren(...order.map((i) => {
    const share = weights[i] / sum;
    const fill = element("div", {class: "fill"});
    fill.style.width = `${share * 100}%`;
    const candidate = scores.candidates[i];
    const title = `mean log-probability of a token ${candidate.mean.toFixed(3)}, sum ${candidate.sum.toFixed(3)}`;
    return element("div", {class: i === scores.best ? "bar best" : "bar", title},
      element("b", {}, candidate.text.trim()), element("div", {}, fill), element("span", {}, `${(share * 100).toFixed(1)} %`));
  }));
  showAnswer(scores.answer);
}

export function showTimings(answer) {
  const {prefill, decode, known, encoded, batch} = answer.timings;
  const ms = (seconds) => `${(seconds * 1000).toFixed(0)} ms`;
  const rows = [
    ["prompt", `${answer.prompt_tokens} tokens, ${answer.prompt_tokens - known} read, ${known} known from the cache`],
    ["pictures encoded", `${encoded}`],
    ["reading the prompt", `${ms(prefill)}${batch > 1 ? `, with ${batch - 1} others` : ""}`],
    ["writing the answer", `${answer.tokens.length} tokens, ${ms(decode)}`],
    ["it ended", {end_of_chunk: "by itself", stop: "at a stop text", length: "as it may not be longer"}[answer.finish]],
  ];
  $("timings").hidden = false;
  $("timings").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

export function showGates(gates) {
  const row = (name, value) => {
    const fill = element("div", {class: "fill"});
    fill.style.width = `${Math.abs(value) * 100}%`;
    return element("div", {class: "bar"}, element("b", {}, name), element("div", {}, fill),
      element("span", {}, value.toFixed(3)));
  };
  $("gates").querySelector("div").replaceChildren(...gates.flatMap((gate, i) => [
    row(`block ${i + 1}, attention`, gate.attention), row(`block ${i + 1}, feed-forward`, gate.feed_forward)]));
}

/** The shots that stood before the prompt, with their pictures. */
export async function showPicked(set, numbers, headers) {
  $("picked").hidden = !set || !numbers;
  if (!set || !numbers) return;
  const {shots} = await (await fetch(`/shots/${set}`, {headers})).json();
  const items = numbers.split(",").map(Number).filter((number) => shots[number]).map(async (number) => {
    const parts = shots[number].parts;
    const place = parts.find((part) => part.image ?? part.video);
    const text = parts.map((part) => part.text ?? "").join(" ");
    const nodes = [text];
    if (place) {
      // By request, as an element of the page would not send the key.
      const picture = await (await fetch(place.image ?? place.video, {headers})).blob();
      nodes.unshift(element("img", {src: URL.createObjectURL(picture), alt: text}));
    }
    return element("li", {}, ...nodes);
  });
  $("picked").querySelector("ol").replaceChildren(...await Promise.all(items));
}

/** The tokens of an answer; choosing one shows where the model looked before it wrote it. */
export function showLooks(answer, looks, medium, fit) {
  const buttons = answer.tokens.map((token, i) => {
    const title = `probability ${(Math.exp(token.logprob) * 100).toFixed(1)} %`;
    const button = element("button", {type: "button", "aria-pressed": "false", title}, token.text || "∎");
    button.addEventListener("click", () => choose(i));
    button.addEventListener("focus", () => choose(i));
    return button;
  });
  $("tokens").replaceChildren(...buttons);
  $("look").hidden = !looks?.length;
  if (!looks?.length) return;
  const picture = new Image();
  const choose = (i) => {
    buttons.forEach((button, other) => button.setAttribute("aria-pressed", other === i));
    if (looks[i]) drawLook($("map"), picture, looks[i], fit);
    $("look-caption").textContent = `Where the model looked before it wrote “${answer.tokens[i].text.trim() || "the end"}”.`;
  };
  picture.onload = () => choose(0);
  picture.src = medium.url;
}

/** A picture as the model sees it, brighter where it looked more. */
function drawLook(canvas, picture, look, fit) {
  const side = canvas.width;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, side, side);
  const [w, h] = [picture.naturalWidth, picture.naturalHeight];
  const scale = fit === "pad" ? side / Math.max(w, h) : side / Math.min(w, h);
  const [width, height] = fit === "squash" ? [side, side] : [w * scale, h * scale];
  context.imageSmoothingEnabled = w > 64;
  context.drawImage(picture, (side - width) / 2, (side - height) / 2, width, height);
  const cell = side / look.side;
  const weights = look.weights.slice(0, look.side * look.side);
  const most = Math.max(...weights, 1e-9);
  weights.forEach((weight, i) => {
    context.fillStyle = `rgba(0, 0, 0, ${0.75 * (1 - weight / most)})`;
    const [x, y] = [(i % look.side) * cell, Math.floor(i / look.side) * cell];
    context.fillRect(x, y, Math.ceil(cell), Math.ceil(cell));
  });
}
