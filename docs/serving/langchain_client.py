"""LangChain: a question about a picture. Argument: the picture."""
import base64
import os
import sys

from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI

data = base64.b64encode(open(sys.argv[1], "rb").read()).decode()
model = ChatOpenAI(base_url=os.environ["BASE_URL"], api_key="none", model="demo", max_tokens=8, temperature=0)
message = HumanMessage(
    content=[
        {"type": "image", "base64": data, "mime_type": "image/png"},
        {"type": "text", "text": "what is it?"},
    ]
)
whole = model.invoke([message]).content
streamed = "".join(chunk.content for chunk in model.stream([message]))
assert whole == streamed, (whole, streamed)
print(whole)
