// The Vercel AI SDK: a picture described, streamed. Argument: the picture.
import {readFileSync} from "node:fs";
import {createOpenAICompatible} from "@ai-sdk/openai-compatible";
import {streamText} from "ai";

const flamingo = createOpenAICompatible({name: "flamingo", baseURL: process.env.BASE_URL, includeUsage: true});
const result = streamText({
  model: flamingo("demo"),
  maxOutputTokens: 8,
  messages: [{role: "user", content: [{type: "image", image: readFileSync(process.argv[2])}, {type: "text", text: "what is it?"}]}],
  onError: ({error}) => { throw error; },
});
let text = "";
for await (const piece of result.textStream) text += piece;
console.log(text, (await result.usage).totalTokens);
