"""`patchbay triggers`: what starts flows by itself. A server starts them: `patchbay serve`."""

from __future__ import annotations

import asyncio
import json
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from patchbay.flows.cli import say
from patchbay.flows.cli.options import Debug, Json, Quiet
from patchbay.flows.cli.run import leave, open_history, show, view_of
from patchbay.flows.problems import FlowError
from patchbay.flows.triggers.claims import Claims, told
from patchbay.flows.triggers.schedule import local_zone
from patchbay.flows.triggers.signature import headers_for
from patchbay.flows.triggers.triggers import (
    Trigger,
    add_trigger,
    one_of,
    read_triggers,
    remove_trigger,
    triggers_file,
)
from patchbay.flows.wording import plural
from patchbay.nodes.strict_json import parse_once_each
from patchbay.nodes.units import timestamp

if TYPE_CHECKING:
    from patchbay.flows.checks.resolve import Resolved

app = typer.Typer(
    help="List, add, remove and try what starts flows by itself: schedules and webhooks.",
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def triggers(
    context: typer.Context,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the triggers: when each is due, when it last started its flow, what was missed."""
    if context.invoked_subcommand is not None:
        return
    found = read_triggers()
    claims = Claims(open_history())
    if as_json:
        say.out(json.dumps([told(t, claims) for t in found.values()], indent=2))
        return
    for trigger in found.values():
        say.out(_line(trigger, claims))
    if not found:
        say.err("There are no triggers. Add one: patchbay triggers add NAME FLOW --schedule …")
    else:
        say.err("Flows are started while they are served: patchbay serve FLOW…")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    flow: Annotated[str, typer.Argument(help="The flow's file, or the name it is served by.")],
    schedule: Annotated[
        str, typer.Option(metavar="CRON", help='When: "0 8 * * 1-5", or @daily. Else a webhook.')
    ] = "",
    zone: Annotated[str, typer.Option(help="Its time zone; this machine's unless given.")] = "",
    missed: Annotated[
        str, typer.Option(help="What to do with times when no server ran: say or run (once).")
    ] = "say",
    body_input: Annotated[
        str, typer.Option("--body-input", help="A webhook: which input gets the whole body.")
    ] = "",
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", help="name=value for every run. May be repeated."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Add a schedule, or a webhook with a secret of its own, which is printed."""
    from patchbay.flows.runs.defaults import default_catalog

    if missed not in ("say", "run"):
        raise say.usage(f'--missed is "say" or "run", not "{missed}".', "--missed run")
    if schedule and body_input:
        fix = "Leave it out, or leave --schedule out."
        raise say.usage("A schedule has no message whose body could be an input.", fix)
    if not schedule and (zone or missed != "say"):
        fix = 'Say when, as in --schedule "0 8 * * 1-5", or leave it out.'
        raise say.usage(f"--{'zone' if zone else 'missed'} is for a schedule.", fix)
    given: dict[str, Any] = {}
    path = Path(flow)
    if path.suffix == ".json" or path.exists():
        from patchbay.flows.checks.resolve import resolve_once
        from patchbay.flows.cli.arguments import read_inputs
        from patchbay.flows.document.reading import read_flow

        resolved = resolve_once(read_flow(path), default_catalog())
        given = read_inputs(inputs or [], resolved)
        _refuse_misfits(resolved, given, body_input, whole=bool(schedule or body_input))
        flow = str(path.resolve())
    elif inputs:
        fix = "patchbay triggers add NAME FLOW.json"
        raise say.usage("--input needs the flow by its file.", fix)
    made = add_trigger(
        name, flow, schedule=schedule, zone=zone or local_zone(), missed=missed,
        input=body_input, inputs=given,
    )  # fmt: skip
    Claims(open_history()).forget(made.key)
    if made.schedule is not None:
        for moment in made.schedule.after(datetime.now(UTC), 3):
            say.out(f"next: {_local(moment, made)}")
    else:
        say.err(f"Post signed messages to /triggers/{name}. Its secret, also in {triggers_file()}:")
        say.out(made.secret)


def _refuse_misfits(
    resolved: Resolved, given: dict[str, Any], body_input: str, *, whole: bool
) -> None:
    """Refuse inputs that the flow has not, which would be found when it is due; and where nothing
    else will come (`whole`), also those that are missing. The text of a message fits or not then.
    """
    from patchbay.flows.runs.inputs import accept

    texts = given | ({body_input: ""} if body_input else {})
    try:
        accept(resolved, texts)
    except FlowError as error:
        later = {"input/invalid": bool(body_input), "input/missing": not whole}
        found = [problem for problem in error.problems if not later.get(problem.code)]
        if found:
            raise FlowError(found) from None


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Which one.")],
    debug: Debug = False,
) -> None:
    """Remove a trigger. Runs that it has started go on."""
    remove_trigger(name)
    say.err(f"Removed {name} from {triggers_file()}.")


@app.command("try")
def try_(
    name: Annotated[str, typer.Argument(help="Which one.")],
    body: Annotated[str, typer.Option(help="A webhook: the body of its message, or @FILE.")] = "",
    send: Annotated[
        str, typer.Option(metavar="ADDRESS", help="A webhook: sign it and post it to this server.")
    ] = "",
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Start the flow of a trigger now: here, or by a signed message to a server."""
    trigger = one_of(read_triggers(), name)
    content = Path(body[1:]).read_bytes() if body.startswith("@") else body.encode()
    if send:
        _send(trigger, send, content)
        return
    run = _run(trigger, content)
    leave(asyncio.run(show(run, view_of(run.resolved, False, False, quiet, False))))


def _run(trigger: Trigger, body: bytes) -> Any:
    from patchbay.flows.document.reading import read_flow
    from patchbay.flows.runs.answers import recorded
    from patchbay.flows.runs.defaults import default_environment
    from patchbay.flows.runs.running import LoadedFlow, Run, new_run_id

    if (path := trigger.path) is None:
        fix = f"Name it by its file in {triggers_file()}, or send a message: --send ADDRESS"
        raise say.usage(f'"{trigger.flow}" is the name of a served flow.', fix)
    flow, folder, id = read_flow(path), path.resolve().parent, new_run_id()
    given = dict(trigger.inputs)
    if trigger.schedule is None:
        if trigger.input:
            given[trigger.input] = body.decode()
        elif body.strip():
            given |= _object(body)
    env = default_environment(folder=folder)
    env = recorded(env, open_history(), id, flow, folder, file=path)
    return Run(LoadedFlow(flow, folder), given, env, run_id=id)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = parse_once_each(body.decode())
    except ValueError as error:
        raise say.usage(f"The body is not JSON: {error}.", '--body \'{"question": "…"}\'') from None
    if not isinstance(found, dict):
        raise say.usage("The body is no JSON object.", '--body \'{"question": "…"}\'')
    return found


def _send(trigger: Trigger, address: str, body: bytes) -> None:
    import httpx

    from patchbay.flows.runs.secrets import Secrets
    from patchbay.nodes.values import SecretRef

    if trigger.schedule is not None:
        fix = f"patchbay triggers try {shlex.quote(trigger.name)}"
        raise say.usage("A schedule takes no messages.", fix)
    secret = trigger.secret or Secrets().get(SecretRef(secret=trigger.secret_name))
    where = f"{address.rstrip('/')}/triggers/{trigger.name}"
    headers = {**headers_for(secret, body), "content-type": "application/json"}
    try:
        answer = httpx.post(where, content=body, headers=headers, timeout=60)
    except httpx.HTTPError as error:
        raise say.usage(f"{where} does not answer: {error}", "Is the server running?") from None
    say.out(answer.text)
    leave(0 if answer.is_success else say.EXIT_PROBLEM)


def _line(trigger: Trigger, claims: Claims) -> str:
    facts = [f"{trigger.name:<16} {trigger.words()}", Path(trigger.flow).name]
    if trigger.schedule is not None:
        coming = trigger.schedule.after(datetime.now(UTC), 1)
        facts.append(f"next {_local(coming[0], trigger)}" if coming else "never again")
    else:
        facts.append(f"POST /triggers/{trigger.name}")
    last = claims.latest(trigger.key)
    if last is not None:
        facts.append(f"last {timestamp(last.at)}: {last.run or 'missed'}")
    if missed := claims.missed(trigger.key):
        facts.append(f"{plural(missed, 'time')} missed")
    return "  ".join(facts)


def _local(moment: datetime, trigger: Trigger) -> str:
    zone = trigger.schedule.zone if trigger.schedule is not None else "UTC"
    return timestamp(moment.timestamp(), ZoneInfo(zone))
