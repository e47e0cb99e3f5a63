"""openai for Python: few-shot captions, whole and streamed. Arguments: pictures, the last is the question."""
import base64
import os
import sys

from openai import OpenAI

client = OpenAI(base_url=os.environ["BASE_URL"], api_key="none")


def picture(path):
    data = base64.b64encode(open(path, "rb").read()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


messages = []
for path in sys.argv[1:-1]:
    name = os.path.basename(path).split(".")[0]
    messages += [{"role": "user", "content": [picture(path)]}, {"role": "assistant", "content": name}]
messages.append({"role": "user", "content": [picture(sys.argv[-1])]})

answer = client.chat.completions.create(model="demo", messages=messages, max_tokens=8)
print(answer.choices[0].message.content, answer.usage.total_tokens)

whole = ""
for chunk in client.chat.completions.create(model="demo", messages=messages, max_tokens=8, stream=True):
    whole += chunk.choices[0].delta.content or ""
assert whole == answer.choices[0].message.content

# What the protocol does not have goes into extra_body: shots that the server holds, beams.
answer = client.chat.completions.create(
    model="demo", messages=messages[-1:], max_tokens=8, extra_body={"num_beams": 3, "length_penalty": 0.5}
)
print(answer.choices[0].message.content)
