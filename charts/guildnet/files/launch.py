"""Launches a workspace, opens it through the front door, and deletes it; exits non-zero where a step fails."""

import json
import os
import sys
import time
import urllib.error
import urllib.request

BASE, NAME, IMAGE = os.environ["FRONT_DOOR"], os.environ["FRONT_DOOR_NAME"], os.environ["IMAGE"]
SECONDS = int(os.environ["SECONDS_TO_START"])
TOKEN = open("/var/run/secrets/guildnet/token").read().strip()  # noqa: PTH123, SIM115


def ask(method, path, body=None):
    headers = {"Host": NAME, "Accept": "application/json", "Authorization": "Bearer " + TOKEN}
    if body is not None:
        headers["Content-Type"] = "application/json"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode(errors="replace")
    except OSError as failure:
        return 0, str(failure)


def opened(name):
    """Waits for the page; gives what was said last where it does not come."""
    end, said = time.monotonic() + SECONDS, ""
    while time.monotonic() < end:
        status, text = ask("GET", "/api/servers/" + name)
        server = json.loads(text) if status == 200 else {}
        now = f"{server.get('status', status)} {server.get('reason', '')} {server.get('message', '')}"
        if now != said:
            print(now, flush=True)
        said = now
        if server.get("status") == "running":
            status, text = ask("GET", "/proxy/server/" + name + "/")
            if status == 200 and "Directory listing" in text:
                return ""
            said = f"its page: {status} {text[:200]}"
        time.sleep(1)
    return said or "nothing was heard of it"


status, text = ask(
    "POST",
    "/api/jobs",
    {
        "image": IMAGE,
        "name": "helm-test",
        "command": "python3 -m http.server 8080",
        "expose": [{"port": 8080}],
        "storage": None,
        "notes": "made by helm test",
    },
)
print("launch:", status, text.strip(), flush=True)
if status not in (200, 201, 202):
    sys.exit("the launch was refused")
workspace = json.loads(text)["id"]
problem = opened(workspace)
print("delete:", ask("DELETE", "/api/servers/" + workspace)[0], flush=True)
if problem:
    sys.exit(f"{workspace} did not open within {SECONDS} s: {problem}")
print(f"{workspace} was launched, opened through the front door and deleted")
