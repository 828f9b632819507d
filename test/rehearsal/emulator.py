"""Starts ministack with what it lacks for a stack of this package.

Stubs, which remember no more than a name, stand in for the types of resources that it refuses. It runs no database, task or
service: what these come to is asked of the rehearsal at REHEARSAL_URL.
"""

import json
import os
import sys
import threading
import urllib.request

from ministack import app
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import ecs, secretsmanager
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS, _physical_name


def ask(question, body):
    """What the rehearsal answers; an `error` in it fails the resource."""
    request = urllib.request.Request(
        f"{os.environ['REHEARSAL_URL']}/{question}",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=300) as response:
        answer = json.load(response)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer


def stub(resource_type, attributes):
    service = resource_type.split("::")[1].lower()

    def create(logical_id, props, stack):
        name = _physical_name(stack, logical_id, lowercase=True, max_len=60)
        arn = f"arn:aws:{service}:{get_region()}:{get_account_id()}"
        return name, {key: text.format(arn=arn, id=name) for key, text in attributes.items()}

    def update(physical_id, old, new, stack, logical_id=None):
        return create(logical_id, new, stack)

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": lambda physical_id, props: None}


def wrap(resource_type, step, wrapper):
    handler = _RESOURCE_HANDLERS[resource_type]
    handler[step] = wrapper(handler[step])


def vpc(create):
    """CloudFormation knows a VPC's range of addresses as well."""

    def wrapped(logical_id, props, stack):
        reference, attributes = create(logical_id, props, stack)
        return reference, {**attributes, "CidrBlock": props["CidrBlock"]}

    return wrapped


def database(create):
    """The instance is the rehearsal's Postgres, and its master secret what RDS would write."""

    def wrapped(logical_id, props, stack):
        reference, attributes = create(logical_id, props, stack)
        server = ask("database", {"id": reference, "properties": props})
        secret = {"username": props["MasterUsername"], "password": server["password"]}
        _, _, made = secretsmanager._create_secret({"Name": f"rds!{reference}", "SecretString": json.dumps(secret)})
        return reference, {
            **attributes,
            "Endpoint.Address": server["host"],
            "Endpoint.Port": str(server["port"]),
            "MasterUserSecret.SecretArn": json.loads(made)["ARN"],
        }

    return wrapped


def service_create(create):
    def wrapped(logical_id, props, stack):
        ask("service", definition(props["TaskDefinition"]))
        return create(logical_id, props, stack)

    return wrapped


def service_update(update):
    def wrapped(physical_id, old, new, stack):
        ask("service", definition(new["TaskDefinition"]))
        return update(physical_id, old, new, stack)

    return wrapped


def definition(reference):
    return ecs._task_defs[ecs._resolve_td_key(reference)]


def end(task, account, region):
    """Gives a task the exit codes and the logs of what the rehearsal ran for it."""
    with request_scope(account, region):
        task_definition = definition(task["taskDefinitionArn"])
        reason = "Essential container in task exited"
        try:
            ended = ask("task", {"startedBy": task["startedBy"], "taskDefinition": task_definition})
        except RuntimeError as error:
            reason, ended = str(error), {"exitCodes": {}, "logs": {}}
        for container in task_definition["containerDefinitions"]:
            log = ecs._awslogs_config(container, task["taskArn"].split("/")[-1], "")
            if log and ecs._ensure_awslogs_stream(log):
                for line in ended["logs"].get(container["name"], []):
                    ecs._emit_awslogs_event(log, line)
        for container in task["containers"]:
            container["exitCode"] = ended["exitCodes"].get(container["name"])
        ecs._mark_task_stopped(task["taskArn"], task, reason, "EssentialContainerExited")


def run_task(data, start=ecs._ACTION_MAP["RunTask"]):
    """A task that is started also runs, as far as the rehearsal runs it."""
    answer = start(data)
    for started in json.loads(answer[2]).get("tasks", []):
        task = ecs._tasks[started["taskArn"]]
        threading.Thread(target=end, args=(task, get_account_id(), get_region()), daemon=True).start()
    return answer


with open(os.environ["REHEARSAL_STUBS"], encoding="utf-8") as file:
    STUBS = json.load(file)
known = [resource_type for resource_type in STUBS if resource_type in _RESOURCE_HANDLERS]
if known:
    raise SystemExit(f"ministack knows {', '.join(known)} by now: take that out of stubs.json")
_RESOURCE_HANDLERS.update({resource_type: stub(resource_type, attributes) for resource_type, attributes in STUBS.items()})
wrap("AWS::EC2::VPC", "create", vpc)
wrap("AWS::RDS::DBInstance", "create", database)
wrap("AWS::ECS::Service", "create", service_create)
wrap("AWS::ECS::Service", "update", service_update)
ecs._ACTION_MAP["RunTask"] = run_task


def end_with_parent():
    """However the rehearsal ends, its end of the pipe closes."""
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()
app.main()
