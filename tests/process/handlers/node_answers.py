"""Node.js handlers that answer: callback styles, promises, timers, values, text, responses."""
from handlers.expect import INPUT, Like, UUID, fails, invoke_error, line, over_http, returns

CASES = {
    "async-value": {
        "code": "exports.handler = async () => ({list: [1, 2.5, null], yes: true});",
        "calls": [returns({"list": [1, 2.5, None], "yes": True})], "log": [], "after": "kept"},
    "plain-promise": {
        "code": "exports.handler = () => Promise.resolve(['promised']);",
        "calls": [returns(["promised"])], "log": [], "after": "kept"},
    "thenable": {
        "code": "exports.handler = () => ({then: (done) => setTimeout(done, 1, 7)});",
        "calls": [returns(7)], "log": [], "after": "kept"},
    "returned-value-of-a-plain-function-is-ignored": {
        "code": "exports.handler = () => 'nobody waits for this';",
        "calls": [returns(None)], "log": [], "after": "kept"},
    "callback-waits-for-timers": {
        "code": "exports.handler = (event, context, callback) => {"
                " setTimeout(() => console.log('timer ran'), 60); callback(null, 'called back'); };",
        "calls": [returns("called back")], "log": [line("INFO", "timer ran")], "after": "kept"},
    "callback-need-not-wait": {
        "code": "exports.handler = (event, context, callback) => { context.callbackWaitsForEmptyEventLoop = false;"
                " setInterval(() => {}, 60000); callback(null, 'at once'); };",
        "options": ("--timeout-s", "1"),
        "calls": [returns("at once")] * 2, "log": [], "after": "kept"},
    "async-leaves-an-interval-open": {
        "code": "exports.handler = async () => { setInterval(() => {}, 60000); return 'at once'; };",
        "options": ("--timeout-s", "1"),
        "calls": [returns("at once")] * 2, "log": [], "after": "kept"},
    "callback-that-never-comes": {
        "code": "exports.handler = (event, context, callback) => { setTimeout(() => {}, 10); };",
        "calls": [returns(None)] * 2, "log": [], "after": "kept"},
    "context-succeed": {
        "code": "exports.handler = (event, context) => { setInterval(() => {}, 60000); context.succeed('s'); };",
        "options": ("--timeout-s", "1"),
        "calls": [returns("s")] * 2, "log": [], "after": "kept"},
    "context-done": {
        "code": INPUT + "exports.handler = (event, context) => asked(event).bad"
                        " ? context.done(new RangeError('done badly')) : context.done(null, {d: 1});",
        "calls": [returns({"d": 1}), fails("RangeError", "done badly", event={"bad": 1}), returns({"d": 1})],
        "log": [invoke_error("RangeError")], "after": "kept"},
    "only-the-first-answer-counts": {
        "code": "exports.handler = (event, context, callback) => { callback(null, 'first'); callback(null, 'second');"
                " callback(new Error('third')); context.succeed('fourth'); context.fail('fifth'); };",
        "calls": [returns("first")] * 3, "log": [], "after": "kept"},
    "promise-and-callback": {
        "code": "exports.handler = async (event, context, callback) => { context.succeed('context');"
                " callback(null, 'callback'); return 'promise'; };",
        "calls": [returns("context")] * 2, "log": [], "after": "kept"},
    "every-kind-of-value": {
        "code": INPUT + "exports.handler = async (event) => asked(event).value;",
        "calls": [returns(None, {}), returns(None, {"value": None}), returns(True, {"value": True}),
                  returns(-0.25, {"value": -0.25}), returns("", {"value": ""}), returns([], {"value": []}),
                  returns({}, {"value": {}}), returns("say \"hi\"\n\t\\", {"value": "say \"hi\"\n\t\\"}),
                  returns([[["deep"]]], {"value": [[["deep"]]]})],
        "log": [], "after": "kept"},
    "unicode": {
        "code": INPUT + "exports.handler = async (event) => { const {text} = asked(event); console.log(text);"
                        " return {[text]: text.length}; };",
        "options": ("--env", "WORT=Straße ☕ 𝄞"),
        "calls": [returns({"Grüße ☕ 𝄞 \u2028\u0001": 13}, {"text": "Grüße ☕ 𝄞 \u2028\u0001"})],
        "log": [line("INFO", "Grüße ☕ 𝄞 .{2}")], "after": "kept"},
    "unicode-in-names": {
        "code": {"índex.js": "exports['führe'] = async () => require('./ordner ☕/teil.js');",
                 "ordner ☕/teil.js": "module.exports = 'teil';"},
        "options": ("--handler", "índex.führe"),
        "calls": [returns("teil")], "log": [], "after": "kept"},
    "large-answer": {
        "code": "exports.handler = async () => 'x'.repeat(6291556 - 2);",
        "calls": [returns("x" * 6291554)], "log": [], "after": "kept"},
    "huge-answer": {
        "code": "exports.handler = async () => 'x'.repeat(6291556 - 1);",
        "calls": [fails("Function.ResponseSizeTooLarge", r"Response payload size exceeded maximum allowed payload size "
                                                         r"\(6291556 bytes\)\.", cause="answer_too_large")],
        "log": [], "after": "kept"},
    "answer-that-is-no-json": {
        "code": INPUT + "exports.handler = async (event) => { const a = {big: 1n}; if (asked(event).round) {"
                        " delete a.big; a.self = a; } return a; };",
        "calls": [fails("Error", "Unable to stringify response body", event=event) for event in ({}, {"round": 1})],
        "log": [invoke_error("Error")] * 2, "after": "kept"},
    "response-object": {
        "code": """exports.handler = async () => ({statusCode: 201, cookies: ['a=1; Path=/', 'b=2'],
  headers: {'X-Own': 'one,two', 'set-cookie': 'c=3', 'content-type': 'text/html; charset=utf-8'},
  body: '<p>ü</p>'});""",
        "calls": [returns({"statusCode": 201, "cookies": ["a=1; Path=/", "b=2"], "body": "<p>ü</p>",
                           "headers": {"X-Own": "one,two", "set-cookie": "c=3",
                                       "content-type": "text/html; charset=utf-8"}},
                          http={"status": 201, "body": "<p>ü</p>".encode(),
                                "fields": {"set-cookie": ["a=1; Path=/", "b=2", "c=3"], "x-own": ["one,two"],
                                           "content-type": ["text/html; charset=utf-8"], "content-length": ["9"]}})],
        "log": [], "after": "kept"},
    "binary-response": {
        "code": "exports.handler = async () => ({statusCode: 200, isBase64Encoded: true,"
                " headers: {'content-type': 'application/octet-stream'}, body: 'AAH//gBCDQo='});",
        "calls": [returns({"statusCode": 200, "isBase64Encoded": True, "body": "AAH//gBCDQo=",
                           "headers": {"content-type": "application/octet-stream"}},
                          http={"status": 200, "body": b"\x00\x01\xff\xfe\x00B\r\n",
                                "fields": {"content-type": ["application/octet-stream"], "content-length": ["8"]}})],
        "log": [], "after": "kept"},
    "malformed-response": {
        "code": INPUT + "exports.handler = async (event) => ({statusCode: asked(event).status, body: 'x'});",
        "calls": [returns({"statusCode": status, "body": "x"}, {"status": status},
                          http={"status": 500, "body": b'{"message":"Internal Server Error"}',
                                "fields": {"x-troupe-error": ["malformed_answer"]}})
                  for status in ("x", 200.5, 0, 99)],
        "log": [], "after": "kept"},
    "streamed": {
        "code": "exports.handler = awslambda.streamifyResponse(async (event, stream) => {"
                " stream.setContentType('text/plain'); stream.write('one '); stream.write('two ☕'); stream.end(); });",
        "calls": [over_http({"status": 200, "body": "one two ☕".encode(), "fields": {"content-type": ["text/plain"]}})],
        "log": [], "after": "kept"},
    "stream-that-is-not-ended": {
        "code": "exports.handler = awslambda.streamifyResponse(async (event, stream) => { stream.write('x'); });",
        "calls": [fails("Runtime.InvalidStreamingOperation", "Response stream is not finished.")],
        "log": [invoke_error("Runtime.InvalidStreamingOperation")], "after": "kept"},
    "state-is-kept-between-calls": {
        "code": "let calls = 0; exports.handler = async () => (++calls - 1) % 3;",
        "calls": [returns(0), returns(1), returns(2)], "log": [], "after": "kept"},
    "request-in-full": {
        "code": "exports.handler = async (event) => ({...event, requestContext: event.requestContext.http});",
        "calls": [over_http(
            {"status": 200, "json": {
                "version": "2.0", "routeKey": "ANY /request-in-full/{proxy+}", "rawPath": "/request-in-full/6 7/☕",
                "rawQueryString": "a=1&a=2&b=x%20y", "cookies": ["s=1", "t=2"],
                "queryStringParameters": {"a": "1,2", "b": "x y"}, "pathParameters": {"proxy": "6 7/☕"},
                "headers": {"host": "suite.test", "x-own": "one,two", "content-length": "4", "user-agent": "suite",
                            "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http",
                            "x-forwarded-port": Like(r"\d+"), "x-amzn-trace-id": Like(r"Root=1-.*")},
                "requestContext": {"method": "PUT", "path": "/request-in-full/6 7/☕", "protocol": "HTTP/1.1",
                                   "sourceIp": "127.0.0.1", "userAgent": "suite"},
                "body": "AP8KDQ==", "isBase64Encoded": True}},
            method="PUT", path="/6%207/%E2%98%95?a=1&a=2&b=x%20y", body=b"\x00\xff\n\r",
            fields=(("x-own", "one"), ("Cookie", "s=1; t=2"), ("X-Own", "two"), ("user-agent", "suite")))],
        "log": [], "after": "kept"},
    "context": {
        "code": "exports.handler = async (event, context) => ({id: context.awsRequestId, name: context.functionName,"
                " mb: context.memoryLimitInMB, arn: context.invokedFunctionArn, version: context.functionVersion,"
                " left: context.getRemainingTimeInMillis() > 5000 && context.getRemainingTimeInMillis() <= 7000});",
        "options": ("--timeout-s", "7", "--memory-mb", "256"),
        "calls": [returns({"id": Like(UUID), "name": "context", "mb": "256", "version": "$LATEST", "left": True,
                           "arn": "arn:aws:lambda:us-east-1:000000000000:function:context"})],
        "log": [], "after": "kept"},
}
