"""lmms-eval's OpenAI-compatible model against the server: python lmms_eval_client.py PICTURE PICTURE PICTURE

The first two pictures are shots, the last is asked about, once as a turn behind them and once alone. With a benchmark of
lmms-eval's own, the same is

    lmms-eval --model openai --tasks TASK --model_args model_version=demo,base_url=http://127.0.0.1:8080/v1,api_key=none
"""

import os
import sys

from PIL import Image

from lmms_eval.api.instance import Instance
from lmms_eval.models.chat.openai import OpenAICompatible

dax, wug, question = sys.argv[1:]


def shown(picture):
    return {"role": "user", "content": [{"type": "image", "url": Image.open(picture)}]}


def said(word):
    return {"role": "assistant", "content": [{"type": "text", "text": word}]}


documents = [
    [shown(dax), said("dax"), shown(wug), said("wug"), shown(question)],
    [shown(question)],
]
model = OpenAICompatible(
    model_version="demo",
    base_url=os.environ["BASE_URL"],
    api_key=os.environ.get("API_KEY", "none"),
    num_concurrent=2,
    max_retries=1,
)
model.task_dict = {"pictures": {"test": documents}}
arguments = {"max_new_tokens": 4, "temperature": 0, "until": ["\n"]}
requests = [
    Instance(
        request_type="generate_until",
        arguments=("", lambda document: document, arguments, number, "pictures", "test"),
        idx=0,
        metadata={"task": "pictures", "doc_id": number, "repeats": 1},
    )
    for number in range(len(documents))
]
for result in model.generate_until(requests):
    # A request that failed is text to lmms-eval.
    assert "LMMS_EVAL_REQUEST_FAILED" not in result.text, result.text
    assert result.token_counts.input_tokens > 0 and result.token_counts.output_tokens > 0
    print(repr(result.text), result.token_counts.to_dict())
