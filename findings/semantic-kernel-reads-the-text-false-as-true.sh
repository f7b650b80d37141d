#!/usr/bin/env bash
# Guess: a function that wants a bool and is given the text "false" gets False, or the call is refused.
# What happens: it gets True: the text is passed through bool().
# Seen with semantic-kernel 1.45.0 on 2026-11-28.
# Why it matters: arguments that come from a template or from a small model are texts; `send=false` sends.
source "$(dirname "$0")/_env.sh"
packages 'semantic-kernel==1.45.0'
"$PY" - <<'PY'
import asyncio
from importlib.metadata import version

from semantic_kernel import Kernel
from semantic_kernel.functions import KernelArguments, kernel_function


class Mail:
    @kernel_function(name="send")
    def send(self, really: bool) -> str:
        return repr(really)


async def main():
    kernel = Kernel()
    kernel.add_plugin(Mail(), "mail")
    words = KernelArguments(really="false")
    return str(await kernel.invoke(plugin_name="mail", function_name="send", arguments=words))


got = asyncio.run(main())
print("semantic-kernel", version("semantic-kernel"), "really='false' arrives as", got)
raise SystemExit(0 if got == "True" else 1)
PY
