"""The contract with Node.js handlers, over HTTP: how they are found, called, answered and logged."""
import json
import re
import unittest

import support

SLEEP = "const sleep = (ms) => new Promise((done) => setTimeout(done, ms));\n"
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class NodeCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = cls.enterClassContext(support.Node())

    def deploy(self, files, *arguments):
        """Deploys under a name of this test and its own; the path that it answers at."""
        self.name = re.sub(r"\W", "-", self.id().rsplit(".", 1)[-1])[:64]
        self.node.deploy_files(self.name, files, *arguments)
        self.addCleanup(self.node.run, "remove", self.name)
        return "/" + self.name

    def ask(self, path):
        status, _, body = self.node.request("GET", path)
        self.assertEqual(status, 200, body)
        return body.decode()

    def refusal(self, files, *arguments):
        """Deploys what must not start: what deploy and the function's log say. HTTP answers 500."""
        with self.subTest(files=files, arguments=arguments):
            done = self.node.deploy_files("refused", files, *arguments, check=False)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertEqual(done.stdout, "")
            status, headers, body = self.node.request("GET", "/refused")
            self.assertEqual((status, headers["x-troupe-error"], body),
                             (500, "init_failed", b'{"message":"Internal Server Error"}'))
            logged = "\n".join(self.node.logs("refused"))
            self.node.run("remove", "refused", check=True)
            return done.stderr + logged
        return ""


class HandlerFormTest(NodeCase):
    def test_async(self):
        self.assertEqual(self.ask(self.deploy(SLEEP +
                                              "exports.handler = async () => { await sleep(5); return 'later'; };")),
                         "later")

    def test_promise_of_a_plain_function(self):
        self.assertEqual(self.ask(self.deploy("exports.handler = () => Promise.resolve('promised');")), "promised")

    def test_callback(self):
        path = self.deploy("""exports.handler = (event, context, callback) => {
            setTimeout(() => callback(event.rawPath.endsWith('fail') ? new Error('x') : null, 'called back'), 1); };""")
        self.assertEqual(self.ask(path), "called back")
        self.assertEqual(self.node.request("GET", path + "/fail")[0], 500)
        self.assertEqual(self.ask(path), "called back")

    def test_a_value_without_promise_is_ignored(self):
        self.assertEqual(self.ask(self.deploy("exports.handler = () => 'ignored';")), "null")

    def test_context_methods(self):
        path = self.deploy("""exports.handler = (event, context) => {
            const how = event.rawPath.split('/').pop();
            if (how === 'succeed') context.succeed('yes');
            else if (how === 'done') context.done(null, 'done');
            else context.fail(new Error('no'));
            context.succeed('second answers do not count'); };""")
        self.assertEqual(self.ask(path + "/succeed"), "yes")
        self.assertEqual(self.ask(path + "/done"), "done")
        self.assertEqual(self.node.request("GET", path + "/fail")[0], 500)

    def test_es_modules(self):
        path = self.deploy({"index.mjs": "import { greet } from './lib/greet.mjs';\n"
                                         "const word = await Promise.resolve('top');\n"
                                         "export const handler = async () => greet(word);",
                            "lib/greet.mjs": "export const greet = (word) => `${word}-level await`;"})
        self.assertEqual(self.ask(path), "top-level await")

    def test_module_type_of_the_package(self):
        path = self.deploy({"index.js": "import fs from 'node:fs';\n"
                                        "export async function handler() { return typeof fs.readFileSync; }",
                            "package.json": '{"type": "module"}'})
        self.assertEqual(self.ask(path), "function")

    def test_common_js_extension_and_main(self):
        path = self.deploy({"src/app.cjs": "exports.handler = async () => require('./other.cjs');",
                            "src/other.cjs": "module.exports = 'other';",
                            "package.json": '{"type": "module", "main": "src/app.cjs"}'})
        self.assertEqual(self.ask(path), "other")

    def test_nested_export_and_folders(self):
        path = self.deploy({"api/pets.js": "exports.v1 = {get: async () => 'nested'};"}, "--handler", "api/pets.v1.get")
        self.assertEqual(self.ask(path), "nested")

    def test_node_modules(self):
        path = self.deploy({"index.js": "exports.handler = async () => require('thing').name;",
                            "node_modules/thing/index.js": "exports.name = 'found';",
                            "node_modules/thing/package.json": '{"name": "thing"}'})
        self.assertEqual(self.ask(path), "found")

    def test_this_files_folder_is_the_working_directory(self):
        path = self.deploy({"index.js": """const fs = require('fs');
exports.handler = async () => [process.cwd() === __dirname, process.env.LAMBDA_TASK_ROOT === __dirname,
                               fs.readFileSync('hello.txt', 'utf8')].join(' ');""", "hello.txt": "hello"})
        self.assertEqual(self.ask(path), "true true hello")


class EventLoopTest(NodeCase):
    def test_callback_waits_for_an_empty_event_loop(self):
        path = self.deploy("""let finished = 0;
exports.handler = (event, context, callback) => {
  if (event.rawPath.endsWith('/count')) return callback(null, String(finished));
  context.callbackWaitsForEmptyEventLoop = !event.rawPath.endsWith('/at-once');
  setTimeout(() => ++finished, 150);
  callback(null, 'answered');
};""")
        self.ask(path + "/wait")
        self.assertEqual(self.ask(path + "/count"), "1")
        self.ask(path + "/at-once")
        self.ask(path + "/wait")
        self.assertEqual(self.ask(path + "/count"), "3")

    def test_a_promise_does_not_wait(self):
        path = self.deploy("exports.handler = async () => { setInterval(() => {}, 60000); return 'at once'; };",
                           "--timeout-s", "2")
        self.assertEqual([self.ask(path), self.ask(path)], ["at once"] * 2)

    def test_nothing_left_to_wait_for(self):
        path = self.deploy("exports.handler = async () => new Promise(() => {});", "--timeout-s", "20")
        status, headers, _ = self.node.request("GET", path, timeout_s=15)
        self.assertEqual((status, headers["x-troupe-error"]), (500, "function_error"))
        self.assertTrue(any("Runtime.NodeJsExit" in line for line in self.node.logs(self.name)),
                        self.node.logs(self.name))

    def test_a_callback_that_never_comes_is_null(self):
        self.assertEqual(self.ask(self.deploy("exports.handler = (event, context, callback) => {};")), "null")


class ContextTest(NodeCase):
    def test_members(self):
        path = self.deploy("exports.handler = async (event, context) => ({...context, "
                           "remaining: context.getRemainingTimeInMillis()});",
                           "--timeout-s", "7", "--memory-mb", "256")
        context = json.loads(self.ask(path))

        remaining = context.pop("remaining")
        self.assertTrue(5000 < remaining <= 7000, remaining)
        self.assertRegex(context.pop("awsRequestId"), f"^{UUID}$")
        self.assertRegex(context.pop("logStreamName"), r"^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$")
        self.assertEqual(context, {
            "callbackWaitsForEmptyEventLoop": True, "functionVersion": "$LATEST", "functionName": self.name,
            "memoryLimitInMB": "256", "logGroupName": "/aws/lambda/" + self.name,
            "invokedFunctionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{self.name}"})

    def test_environment(self):
        path = self.deploy("exports.handler = async () => ({...process.env, trace: process.env._X_AMZN_TRACE_ID});",
                           "--env", "STAGE=te st=1", "--env", "EMPTY=", "--memory-mb", "512")
        environment = json.loads(self.ask(path))

        expected = {"STAGE": "te st=1", "EMPTY": "", "AWS_LAMBDA_FUNCTION_NAME": self.name,
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
                    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "_HANDLER": "index.handler", "AWS_REGION": "us-east-1",
                    "TZ": ":UTC",
                    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/" +
                    self.name}
        self.assertEqual({name: environment.get(name) for name in expected}, expected)
        self.assertRegex(environment["trace"], r"^Root=1-[0-9a-f]{8}-[0-9a-f]{24}")
        self.assertNotIn("TROUPE_DRAIN_ANNOUNCE", environment,
                         "the node's own environment is none of the function's business")

    def test_state_lives_between_calls(self):
        path = self.deploy("let calls = 0; exports.handler = async () => ++calls;")
        self.assertEqual([self.ask(path) for _ in range(3)], ["1", "2", "3"])

    def test_overlapping_calls_have_contexts_of_their_own(self):
        path = self.deploy(SLEEP + """exports.handler = async (event, context) => {
  console.log('begin', event.rawPath); await sleep(100); console.log('end', event.rawPath);
  const traced = process.env._X_AMZN_TRACE_ID === event.headers['x-amzn-trace-id'];
  return [context.awsRequestId, traced, process.pid].join(' ');
};""", "--concurrency", "10")
        answers = [answer.split() for answer in support.parallel(10, lambda i: self.ask(f"{path}/{i}"))]

        self.assertEqual(len({request_id for request_id, _, _ in answers}), 10)
        self.assertEqual({(traced, pid) for _, traced, pid in answers}, {("true", answers[0][2])})
        for i, (request_id, _, _) in enumerate(answers):
            said = [line.split("\t")[1] for line in self.node.logs(self.name) if line.endswith(f" {path}/{i}")]
            self.assertEqual(said, [request_id] * 2)


class LogTest(NodeCase):
    def test_console(self):
        path = self.deploy("""console.log('loading');
exports.handler = async (event, context) => {
  console.log('plain %s', 'text', {a: [1]});
  for (const level of ['debug', 'info', 'warn', 'error', 'trace']) console[level](level);
  process.stdout.write('to stdout\\n');
  process.stderr.write('to stderr\\n');
  return context.awsRequestId;
};""")
        request_id = self.ask(path)

        def whole():
            lines = self.node.logs(self.name)
            return all(any(line.endswith(end) for line in lines) for end in ("to stdout", "to stderr")) and lines
        lines = support.wait_until(whole, "the handler's lines in its log")

        self.assertRegex(lines[0], rf"{ISO}\tundefined\tINFO\tloading$")
        said = [re.search(rf"{ISO}\t{request_id}\t(.*)$", line) for line in lines]
        self.assertEqual([found[1] for found in said if found],
                         ["INFO\tplain text { a: [ 1 ] }", "DEBUG\tdebug", "INFO\tinfo", "WARN\twarn", "ERROR\terror",
                          "TRACE\ttrace", "to stdout", "to stderr"])
        self.assertEqual(self.node.run("logs", self.name, check=True).stdout.splitlines()[:len(lines)], lines)

    def test_errors_have_their_shape(self):
        path = self.deploy("""exports.handler = async (event) => {
  if (event.rawPath.endsWith('text')) throw 'just text';
  class OwnError extends RangeError {}
  const problem = new OwnError('too far'); problem.name = 'OwnError'; problem.limit = 7;
  throw problem; };""")
        for suffix in ("/error", "/text"):
            self.assertEqual(self.node.request("GET", path + suffix)[0], 500)
        logged = support.wait_until(lambda: (found := [line for line in self.node.logs(self.name)
                                                       if "Invoke Error" in line])[1:] and found,
                                    "both errors in the log")
        own, text = (json.loads(line.split("\t")[-1]) for line in logged)
        self.assertEqual((own["errorType"], own["errorMessage"], own["limit"]), ("OwnError", "too far", 7))
        self.assertIn("too far", own["stack"][0])
        self.assertEqual((text["errorType"], text["errorMessage"]), ("string", "just text"))

    def test_a_flood_does_not_block_the_function(self):
        path = self.deploy("exports.handler = async () => { const line = 'x'.repeat(1000); "
                           "for (let i = 0; i < 20000; ++i) console.log(line); return 'done'; };", "--timeout-s", "20")
        self.assertEqual(self.ask(path), "done")
        self.assertEqual(self.ask(path), "done")

    def test_logs_of_nobody(self):
        done = self.node.run("logs", "nobody")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nobody", done.stderr)


class BrokenCodeTest(NodeCase):
    def test_syntax_error(self):
        said = self.refusal("exports.handler = async ( => 1;", "--handler", "index.handler")
        self.assertIn("Runtime.UserCodeSyntaxError", said)
        self.assertIn("Unexpected token", said)

    def test_syntax_error_of_an_es_module(self):
        self.assertIn("Runtime.UserCodeSyntaxError", self.refusal({"index.mjs": "export const handler = async ( => 1;"},
                                                                  "--handler", "index.handler"))

    def test_handler_is_missing(self):
        said = self.refusal("exports.other = async () => 1;", "--handler", "index.handler")
        self.assertIn("index.handler is undefined or not exported", said)
        self.assertIn("Runtime.HandlerNotFound", said)

    def test_handler_is_no_function(self):
        self.assertIn("index.handler is not a function", self.refusal("exports.handler = 42;"))

    def test_file_is_missing(self):
        said = self.refusal("exports.handler = async () => 1;", "--handler", "nowhere.handler")
        self.assertIn("Runtime.ImportModuleError", said)
        self.assertIn("nowhere", said)

    def test_module_is_missing(self):
        said = self.refusal("require('left-pad'); exports.handler = async () => 1;")
        self.assertIn("Runtime.ImportModuleError", said)
        self.assertIn("left-pad", said)

    def test_malformed_handler_names(self):
        for handler in ("index", "../index.handler"):
            self.assertIn("Runtime.MalformedHandlerName", self.refusal("exports.handler = async () => 1;", "--handler",
                                                                       handler))

    def test_throw_while_loading(self):
        self.assertIn("no such luck", self.refusal("throw new Error('no such luck'); exports.handler = 1;"))

    def test_exit_while_loading(self):
        said = self.refusal("process.exit(3); exports.handler = async () => 1;")
        self.assertIn("exit status 3", said)

    def test_rejection_while_loading(self):
        self.assertIn("top rejection", self.refusal({"index.mjs": "await Promise.reject(new Error('top rejection'));\n"
                                                                  "export const handler = async () => 1;"}))


if __name__ == "__main__":
    unittest.main()
