"""Node.js handlers that fail: errors, exits, signals, hangs, memory; and code that does not load."""
from handlers.expect import INPUT, UUID, fails, invoke_error, line, returns

OF_REQUEST = rf"RequestId: {UUID} Error: "


def crash(reason, event=None):
    return fails("Runtime.ExitError", OF_REQUEST + reason, cause="function_crashed", event=event)


def timeout(seconds, event=None):
    return fails("Sandbox.Timedout", OF_REQUEST + f"Task timed out after {seconds} seconds", cause="function_timeout",
                 event=event)


def broken(code, kind, message, *options):
    return {"code": code, "start": fails(kind, message, cause="init_failed"), "log": [], "after": "none",
            "options": options or ("--handler", "index.handler")}


CALLS = {
    "throws-an-error": {
        "code": "exports.handler = async () => { class OwnError extends RangeError { name = 'OwnError'; }"
                " throw new OwnError('zu groß ☕'); };",
        "calls": [fails("OwnError", "zu groß ☕")] * 2, "log": [invoke_error("OwnError")] * 2, "after": "kept"},
    "throws-what-is-no-error": {
        "code": INPUT + "exports.handler = async (event) => { throw asked(event).what; };",
        "calls": [fails("string", "just text", event={"what": "just text"}), fails("number", "42", event={"what": 42}),
                  fails("string", "handled", event={"what": None})],  # as context.fail() has it
        "log": [invoke_error("(string|number)")] * 3, "after": "kept"},
    "throws-at-once": {
        "code": "exports.handler = (event, context, callback) => { throw new TypeError('at once'); };",
        "calls": [fails("TypeError", "at once")], "log": [invoke_error("TypeError")], "after": "kept"},
    "calls-back-with-an-error": {
        "code": "exports.handler = (event, context, callback) => { setInterval(() => {}, 60000);"
                " callback(new URIError('called back')); };",
        "options": ("--timeout-s", "1"),
        "calls": [fails("URIError", "called back")], "log": [invoke_error("URIError")], "after": "kept"},
    "context-fail": {
        "code": INPUT + "exports.handler = (event, context) =>"
                        " asked(event).bare ? context.fail() : context.fail(new EvalError('failed'));",
        "calls": [fails("EvalError", "failed"), fails("string", "handled", event={"bare": 1})],
        "log": [invoke_error("(EvalError|string)")] * 2, "after": "kept"},
    "recursion-without-end": {
        "code": "exports.handler = async () => { const down = () => down() + 1; return down(); };",
        "calls": [fails("RangeError", "Maximum call stack size exceeded")], "log": [invoke_error("RangeError")],
        "after": "kept"},
    "never-settles": {
        "code": "exports.handler = async () => new Promise(() => {});",
        "options": ("--timeout-s", "20"),
        "calls": [fails("Runtime.NodeJsExit", ".*Promise that was never settled.*")] * 2,
        "log": [invoke_error("Runtime.NodeJsExit")] * 2, "after": "kept"},
    "rejection-that-nobody-handles": {
        "code": INPUT + "exports.handler = async () => {"
                        " Promise.reject(new Error('nobody looks')); await sleep(5000); };",
        "calls": [fails("Runtime.UnhandledPromiseRejection", ".*nobody looks.*")], "log": [], "after": "replaced"},
    "exception-that-nobody-catches": {
        "code": INPUT + "exports.handler = async () => {"
                        " setTimeout(() => { throw new TypeError('nobody catches'); }, 1); await sleep(5000); };",
        "calls": [fails("TypeError", "nobody catches")], "log": [], "after": "replaced"},
    "exits": {
        "code": INPUT + "exports.handler = async (event) => { process.exit(asked(event).code); };",
        "calls": [crash("Runtime exited without providing a reason", {"code": 0}),
                  crash("Runtime exited with error: exit status 1", {"code": 1}),
                  crash("Runtime exited with error: exit status 3", {"code": 3})],
        "log": [], "after": "replaced"},
    "dies-of-signals": {
        "code": INPUT + "exports.handler = async (event) => { process.kill(process.pid, asked(event).signal);"
                        " await sleep(5000); };",
        "calls": [crash("Runtime exited with error: signal: " + name, {"signal": signal})
                  for signal, name in (("SIGKILL", "killed"), ("SIGSEGV", "segmentation fault"),
                                       ("SIGTERM", "terminated"))],
        "log": [], "after": "replaced"},
    "endless-loop": {
        "code": "exports.handler = async () => { console.log('last words'); for (;;) ; };",
        "options": ("--timeout-s", "0.5"),
        "calls": [timeout("0.50")], "log": [line("INFO", "last words")], "after": "replaced"},
    "waits-too-long": {
        "code": "exports.handler = (event, context, callback) => { setInterval(() => {}, 1000); };",
        "options": ("--timeout-s", "0.5"),
        "calls": [timeout("0.50")], "log": [], "after": "replaced"},
    "ignores-sigterm": {
        "code": "process.on('SIGTERM', () => {}); exports.handler = async () => { for (;;) ; };",
        "options": ("--timeout-s", "0.5"),
        "calls": [timeout("0.50")], "log": [], "after": "replaced"},
    "state-is-lost-in-a-crash": {
        "code": INPUT + "let calls = 0;\nexports.handler = async (event) =>"
                        " asked(event).exit ? process.exit(9) : ++calls;",
        "calls": [returns(1), returns(2), crash("Runtime exited with error: exit status 9", {"exit": 1})],
        "log": [], "after": "replaced"},
    "fails-behind-its-answer": {
        "code": INPUT + "exports.handler = async () => { setTimeout(() => process.exit(5), 30); return 'answered'; };",
        "calls": [returns("answered")], "log": [], "after": "replaced"},
    "allocates-a-gigabyte": {
        "code": "const kept = []; exports.handler = async () => { for (let i = 0; i < 64; ++i) {"
                " kept.push(Buffer.alloc(16 << 20, 1)); await new Promise((done) => setImmediate(done)); }"
                " return kept.length; };",
        "options": ("--timeout-s", "20"),
        "calls": [fails("Runtime.ExitError", OF_REQUEST + "Runtime exited with error: signal: killed",
                        cause="memory_exceeded")], "log": [],
        "after": "replaced"},
}

STARTS = {
    "throws-while-loading": broken("throw new RangeError('no such luck');", "RangeError", "no such luck"),
    "throws-text-while-loading": broken("throw 'bare text';", "string", "bare text"),
    "syntax-error": broken("exports.handler = async ( => 1;", "Runtime.UserCodeSyntaxError", "SyntaxError: .*"),
    "syntax-error-of-a-module": broken({"index.mjs": "export const handler = async ( => 1;"},
                                       "Runtime.UserCodeSyntaxError", "SyntaxError: .*"),
    "missing-module": broken("require('left-pad'); exports.handler = async () => 1;", "Runtime.ImportModuleError",
                             "Error: Cannot find module 'left-pad'.*"),
    "missing-file": broken("exports.handler = async () => 1;", "Runtime.ImportModuleError",
                           "Error: Cannot find module 'nowhere'.*", "--handler", "nowhere.handler"),
    "missing-handler": broken("exports.other = async () => 1;", "Runtime.HandlerNotFound",
                              "index.handler is undefined or not exported"),
    "handler-is-no-function": broken("exports.handler = {not: 'a function'};", "Runtime.HandlerNotFound",
                                     "index.handler is not a function"),
    "malformed-handler-name": broken("exports.handler = async () => 1;", "Runtime.MalformedHandlerName", "Bad handler",
                                     "--handler", "index"),
    "exits-while-loading": broken("process.exit(3);", "Runtime.ExitError",
                                  ".*Runtime exited with error: exit status 3"),
    "rejects-while-loading": broken({"index.mjs": "await Promise.reject(new EvalError('rejected at the top'));"},
                                    "EvalError", "rejected at the top"),
}
