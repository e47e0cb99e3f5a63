// openai for Node: a picture described, streamed. Argument: the picture.
import {readFileSync} from "node:fs";
import OpenAI from "openai";

const client = new OpenAI({baseURL: process.env.BASE_URL, apiKey: "none"});
const url = `data:image/png;base64,${readFileSync(process.argv[2]).toString("base64")}`;
const stream = await client.chat.completions.create({
  model: "demo",
  max_tokens: 8,
  stream: true,
  stream_options: {include_usage: true},
  messages: [{role: "user", content: [{type: "image_url", image_url: {url}}]}],
});
let text = "";
let usage = null;
for await (const chunk of stream) {
  text += chunk.choices[0]?.delta.content ?? "";
  usage = chunk.usage ?? usage;
}
console.log(text, usage.total_tokens);
