import os

from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8000/v1", api_key=os.environ["COLLOQUY_TOKEN"])
stream = client.chat.completions.create(
    model="@docs",
    messages=[{"role": "user", "content": "Who built the lighthouse?"}],
    stream=True,
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
