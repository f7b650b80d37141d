"""The addresses of triggers: webhooks take signed messages in place of a key."""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from patchbay.flows.server.core.asked import json_of
from patchbay.flows.server.core.keys import OWNER
from patchbay.flows.server.core.refusals import refused
from patchbay.flows.server.core.requests import caller_of, service_of
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.triggers.firing import firing_of
from patchbay.flows.triggers.claims import Claims, told
from patchbay.flows.triggers.signature import ID, wrong_head, wrong_with
from patchbay.flows.triggers.triggers import Trigger
from patchbay.nodes.contract import NodeError
from patchbay.nodes.threads import in_thread
from patchbay.nodes.values import SecretRef


async def webhook(request: Request) -> JSONResponse:
    """A signed message: starts the flow of its trigger, once."""
    service, name = service_of(request), request.path_params["name"]
    trigger, body = firing_of(service).get(name), b""
    wrong = "There is no such webhook."
    if trigger is not None and trigger.schedule is None:
        wrong = wrong_head(request.headers)
        if not wrong:  # nobody has shown a key: what need not be read is not
            body = await request.body()
            wrong = wrong_with(_secret(service, trigger), request.headers, body)
    if trigger is None or wrong:
        fix = "Sign it as Standard Webhooks says, with the secret of this trigger, and send it now."
        raise refused(401, "trigger/signature", f"The message is not taken. {wrong}", fix)
    flow = firing_of(service).flow_of(trigger)
    if flow is None:
        message = f'The flow of the trigger "{name}" is not served here.'
        raise refused(404, "serve/unknown-flow", message, "Serve it, or correct the trigger.")
    given = _inputs(trigger, flow, body)
    claims, run = Claims(await service.history()), service.owners.new_id(OWNER)
    moment = "webhook " + hashlib.sha256(request.headers[ID].encode()).hexdigest()[:40]
    if not await in_thread(claims.take, trigger.key, moment, run):
        known = await in_thread(claims.get, trigger.key, moment)
        return JSONResponse({"trigger": name, "run": known.run if known else "", "again": True})
    try:
        await firing_of(service).start(trigger, flow, run, given)
    except BaseException:  # whoever sent it may send it again
        await in_thread(claims.leave, trigger.key, moment)
        raise
    live = service.live.get(run)
    headers = {} if live is None else live.headers
    return JSONResponse({"trigger": name, "run": run}, 202, headers=headers)


def _secret(service: FlowService, trigger: Trigger) -> str:
    if not trigger.secret_name:
        return trigger.secret
    try:
        return service.secrets.get(SecretRef(secret=trigger.secret_name))
    except NodeError as error:
        raise refused(503, "secret/missing", error.message, error.fix) from None


def _inputs(trigger: Trigger, flow: ServedFlow, body: bytes) -> dict[str, Any]:
    """The inputs of a run: the body as one of them, or its fields; over those of the settings.

    Raises:
        RefusedError: the body is not what they take.
    """
    if not trigger.input:
        found = json_of(body) if body.strip() else {}
        if not isinstance(found, dict):
            fix = f'Or say which input gets it: input = "…" of the trigger "{trigger.name}".'
            raise refused(400, "serve/not-json", "The body is no JSON object.", fix)
        return {**trigger.inputs, **found}
    asks = flow.inputs.get(trigger.input)
    if asks is not None and asks.kind in ("text", "messages", "choice"):
        try:
            return {**trigger.inputs, trigger.input: body.decode("utf-8")}
        except UnicodeDecodeError:
            fix = "Send it in UTF-8."
            raise refused(400, "input/invalid", "The body is not UTF-8 text.", fix) from None
    return {**trigger.inputs, trigger.input: json_of(body)}


async def listed(request: Request) -> JSONResponse:
    """The owner's triggers: when they are due, and what became of them."""
    if caller_of(request).flows is not None or caller_of(request).person:
        raise refused(403, "trigger/owner", "Triggers are the owner's.", "Use the owner's key.")
    service = service_of(request)
    claims = Claims(await service.history())
    found = await in_thread(firing_of(service).all)
    each = [await in_thread(told, trigger, claims) for trigger in found.values()]
    return JSONResponse({"triggers": each})


ROUTES = [
    Route("/triggers", listed),
    Route("/triggers/{name}", webhook, methods=["POST"]),
]
