"""litellm: a picture described. Argument: the picture."""
import base64
import os
import sys

import litellm

data = base64.b64encode(open(sys.argv[1], "rb").read()).decode()
answer = litellm.completion(
    model="openai/demo",
    api_base=os.environ["BASE_URL"],
    api_key="none",
    max_tokens=8,
    messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}]}],
)
print(answer.choices[0].message.content, answer.usage.total_tokens)
