"""Python handlers: values, exceptions, logging, surroundings, ends of the process; and code that does not load."""
from handlers.expect import ISO, UUID, Between, Like, fails, returns

ASKED = ("import json\n"
         "def asked(event):\n"
         "    return event if 'requestContext' not in event else json.loads(event.get('body') or '{}')\n")
OF_REQUEST = rf"RequestId: {UUID} Error: "


def error_line(text):
    return rf"\[ERROR\]\t{ISO}\t{UUID}\t{text}"


def crash(reason, event=None):
    return fails("Runtime.ExitError", OF_REQUEST + reason, cause="function_crashed", event=event)


def broken(code, kind, message, *options):
    return {"code": code, "start": fails(kind, message, cause="init_failed"), "log": [], "after": "none",
            "options": options or ("--handler", "index.handler")}


ANSWERS = {
    "py-values": {
        "code": ASKED + "def handler(event, context): return asked(event).get('value')",
        "calls": [returns(None, {}), returns(True, {"value": True}), returns(-0.25, {"value": -0.25}),
                  returns("say \"hi\"\n", {"value": "say \"hi\"\n"}), returns([1, [], {}], {"value": [1, [], {}]})],
        "log": [], "after": "kept"},
    "py-tuple-and-numeric-keys": {
        "code": "def handler(event, context): return (1, {2: 'two'})",
        "calls": [returns([1, {"2": "two"}])], "log": [], "after": "kept"},
    "py-unicode": {
        "code": {"index.py": ASKED + "import índex_teil\ndef handler(event, context):\n"
                                     "    text = asked(event)['text']\n    print(text)\n"
                                     "    return {text: len(text), 'teil': índex_teil.wort}",
                 "índex_teil.py": "wort = 'Straße'"},
        "calls": [returns({"Grüße ☕ 𝄞": 9, "teil": "Straße"}, {"text": "Grüße ☕ 𝄞"})], "log": [r"(^|\t)Grüße ☕ 𝄞$"],
        "after": "kept"},
    "py-response-object": {
        "code": "import base64\ndef handler(event, context):\n"
                "    return {'statusCode': 202, 'isBase64Encoded': True, 'headers': {'content-type': 'image/x'},"
                " 'body': base64.b64encode(bytes([0, 255, 10])).decode()}",
        "calls": [returns({"statusCode": 202, "isBase64Encoded": True, "headers": {"content-type": "image/x"},
                           "body": "AP8K"},
                          http={"status": 202, "body": b"\x00\xff\n", "fields": {"content-type": ["image/x"]}})],
        "log": [], "after": "kept"},
    "py-state": {
        "code": "calls = -1\ndef handler(event, context):\n    global calls\n    calls += 1\n    return calls % 3",
        "calls": [returns(0), returns(1), returns(2)], "log": [], "after": "kept"},
    "py-context": {
        "code": "def handler(event, context):\n    left = context.get_remaining_time_in_millis()\n"
                "    context.log('by context.log\\n')\n"
                "    return [context.function_name, context.function_version, context.memory_limit_in_mb,"
                " context.aws_request_id, context.log_group_name, context.log_stream_name,"
                " context.invoked_function_arn, left]",
        "options": ("--timeout-s", "7", "--memory-mb", "256"),
        "calls": [returns(["py-context", "$LATEST", "256", Like(UUID), "/aws/lambda/py-context",
                           Like(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}"),
                           "arn:aws:lambda:us-east-1:000000000000:function:py-context", Between(5000, 7000)])],
        "log": [r"(^|\t)by context.log$"], "after": "kept"},
    "py-environment": {
        "code": "import os, sys, threading\ndef handler(event, context):\n"
                "    text = repr(dict(os.environ)) + open('/proc/self/environ', encoding='latin-1').read()\n"
                "    return [os.environ['STAGE'], os.environ['AWS_LAMBDA_FUNCTION_NAME'], os.environ['_HANDLER'],"
                " os.getcwd() == os.environ['LAMBDA_TASK_ROOT'] == sys.path[0], 'of-the-node-47' in text,"
                " os.getpgid(0) == os.getpid()]",
        "options": ("--env", "STAGE=te st=1"),
        "calls": [returns(["te st=1", "py-environment", "index.handler", True, False, True])], "log": [],
        "after": "kept"},
    "py-logging-levels": {
        "code": "import logging, sys\ndef handler(event, context):\n"
                "    for level in ('debug', 'info', 'warning', 'error'):\n"
                "        getattr(logging.getLogger(), level)('at %s', level)\n"
                "    print('printed')\n    print('to stderr', file=sys.stderr)",
        "calls": [returns(None)],
        "log": [rf"\[WARNING\]\t{ISO}\t{UUID}\tat warning$", rf"\[ERROR\]\t{ISO}\t{UUID}\tat error$", r"(^|\t)printed$",
                r"(^|\t)to stderr$"], "after": "kept"},
    "py-threads": {
        "code": "import threading, time\ndef handler(event, context):\n    found = []\n"
                "    threads = [threading.Thread(target=found.append, args=(i,)) for i in range(8)]\n"
                "    [t.start() for t in threads]; [t.join() for t in threads]\n"
                "    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n    return sorted(found)",
        "calls": [returns(list(range(8)))] * 2, "log": [], "after": "kept"},
    "py-packages": {
        "code": {"app/__init__.py": "", "app/main.py": "from . import part\ndef handler(event, context): return part.x",
                 "app/part.py": "import vendored\nx = vendored.y", "vendored/__init__.py": "y = 'vendored'"},
        "options": ("--handler", "app/main.handler"),
        "calls": [returns("vendored")], "log": [], "after": "kept"},
}

FAILURES = {
    "py-exceptions": {
        "code": ASKED + "class Own(LookupError): pass\n"
                        "kinds = {'own': Own('zu groß ☕'), 'key': KeyError('k'), 'bare': ValueError()}\n"
                        "def handler(event, context): raise kinds[asked(event)['kind']]",
        "calls": [fails("Own", "zu groß ☕", event={"kind": "own"}), fails("KeyError", "'k'", event={"kind": "key"}),
                  fails("ValueError", "", event={"kind": "bare"})],
        "log": [error_line("Own: zu groß"), error_line("KeyError: 'k'"), error_line("ValueError")], "after": "kept"},
    "py-answers-that-are-no-json": {
        "code": ASKED + "kinds = {'set': {1}, 'bytes': [b'x'], 'generator': (i for i in 'ab'), 'object': object()}\n"
                        "def handler(event, context): return kinds[asked(event)['kind']]",
        "calls": [fails("Runtime.MarshalError", f"Unable to marshal response: .*{kind}.*", event={"kind": kind})
                  for kind in ("set", "bytes", "generator", "object")],
        "log": [error_line("Runtime.MarshalError: Unable to marshal response: ")] * 4, "after": "kept"},
    "py-async-handler": {
        "code": "import warnings\nwarnings.simplefilter('ignore')\nasync def handler(event, context): return 1",
        "calls": [fails("Runtime.MarshalError", ".*coroutine.*")], "log": [error_line("Runtime.MarshalError: ")],
        "after": "kept"},
    "py-deep-recursion": {
        "code": "def handler(event, context): return handler(event, context)",
        "calls": [fails("RecursionError", "maximum recursion depth exceeded.*")],
        "log": [error_line("RecursionError: ")], "after": "kept"},
    "py-huge-answer": {
        "code": "def handler(event, context): return 'x' * (6291556 - 1)",
        "calls": [fails("Function.ResponseSizeTooLarge", "Response payload size exceeded .*",
                        cause="answer_too_large")],
        "log": [], "after": "kept"},
    "py-ends": {
        "code": ASKED + "import os, signal, sys\ndef handler(event, context):\n    how = asked(event)\n"
                        "    if 'signal' in how: os.kill(os.getpid(), how['signal'])\n"
                        "    if 'hard' in how: os._exit(how['hard'])\n    sys.exit(how['exit'])",
        "calls": [crash("Runtime exited with error: exit status 3", {"exit": 3}),
                  crash("Runtime exited without providing a reason", {"exit": 0}),
                  crash("Runtime exited with error: exit status 4", {"hard": 4}),
                  crash("Runtime exited with error: signal: killed", {"signal": 9})],
        "log": [], "after": "replaced"},
    "py-endless-loop": {
        "code": "def handler(event, context):\n    print('last words')\n    while True: pass",
        "options": ("--timeout-s", "0.5"),
        "calls": [fails("Sandbox.Timedout", OF_REQUEST + r"Task timed out after 0\.50 seconds",
                        cause="function_timeout")], "log": [r"(^|\t)last words$"], "after": "replaced"},
    "py-allocates-a-gigabyte": {
        "code": "kept = []\ndef handler(event, context):\n    for i in range(64): kept.append(b'x' * (16 << 20))\n"
                "    return len(kept)",
        "options": ("--timeout-s", "20"),
        "calls": [fails("Runtime.ExitError", OF_REQUEST + "Runtime exited with error: signal: killed",
                        cause="memory_exceeded")], "log": [],
        "after": "replaced"},
}

STARTS = {
    "py-raises-while-loading": broken("raise LookupError('no such luck')", "LookupError", "no such luck"),
    "py-syntax-error": broken("def handler(event, context) return 1", "Runtime.UserCodeSyntaxError",
                              "Syntax error in module 'index': .*"),
    "py-missing-module": broken("import left_pad\ndef handler(event, context): pass", "Runtime.ImportModuleError",
                                "Unable to import module 'index': No module named 'left_pad'"),
    "py-missing-handler": broken("def other(event, context): pass", "Runtime.HandlerNotFound",
                                 "Handler 'handler' missing on module 'index'"),
    "py-exits-while-loading": broken("import sys\nsys.exit(3)", "Runtime.ExitError",
                                     ".*Runtime exited with error: exit status 3"),
}
