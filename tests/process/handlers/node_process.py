"""What a Node.js handler finds around it: modules, environment, files, descriptors, limits."""
from handlers.expect import FLOOD, INPUT, Like, line, over_http, returns

MODULES = {
    "es-module": {
        "code": {"index.mjs": "import {basename} from 'node:path';\nconst word = await Promise.resolve('top level');\n"
                              "export const handler = async () => [basename('a/b'), word, typeof require];"},
        "calls": [returns(["b", "top level", "undefined"])], "log": [], "after": "kept"},
    "package-of-type-module": {
        "code": {"package.json": '{"type": "module"}', "lib/part.js": "export const part = 1;",
                 "index.js": "import {part} from './lib/part.js';\nimport old from './old.cjs';\n"
                             "export const handler = async () => [part, old];",
                 "old.cjs": "module.exports = 2;"},
        "calls": [returns([1, 2])], "log": [], "after": "kept"},
    "common-js-file": {
        "code": {"index.cjs": "exports.handler = async () => require('./data.json').n;", "data.json": '{"n": 3}'},
        "calls": [returns(3)], "log": [], "after": "kept"},
    "nested-handler-path": {
        "code": {"src/api/users.js": "exports.v1 = {get: async () => __filename.split('/').slice(-3).join('/')};"},
        "options": ("--handler", "src/api/users.v1.get"),
        "calls": [returns("src/api/users.js")], "log": [], "after": "kept"},
    "layers-of-node-modules": {
        "code": {"index.js": "const a = require('a');\nexports.handler = async () => [a.name, a.b, require('b'),"
                             " require('@scope/c').c, (await import('d')).default, require('b/extra')];",
                 "node_modules/a/package.json": '{"name": "a", "version": "1.0.0", "main": "lib/main.js"}',
                 "node_modules/a/lib/main.js": "module.exports = {name: 'a', b: require('b')};",
                 "node_modules/a/node_modules/b/index.js": "module.exports = 'b inside a';",
                 "node_modules/b/index.js": "module.exports = 'b at the top';",
                 "node_modules/b/extra.js": "module.exports = 'extra';",
                 "node_modules/@scope/c/package.json": '{"exports": {".": "./dist/c.cjs"}}',
                 "node_modules/@scope/c/dist/c.cjs": "exports.c = 'scoped';",
                 "node_modules/d/package.json": '{"type": "module", "exports": "./d.js"}',
                 "node_modules/d/d.js": "export default 'module only';"},
        "calls": [returns(["a", "b inside a", "b at the top", "scoped", "module only", "extra"])],
        "log": [], "after": "kept"},
}

SURROUNDINGS = {
    "environment": {
        "code": "exports.handler = async () => { const {STAGE, EMPTY, _HANDLER, TZ, AWS_REGION,"
                " AWS_LAMBDA_FUNCTION_NAME, AWS_LAMBDA_FUNCTION_MEMORY_SIZE, AWS_LAMBDA_FUNCTION_VERSION,"
                " AWS_LAMBDA_INITIALIZATION_TYPE, AWS_EXECUTION_ENV, LAMBDA_TASK_ROOT} = process.env;"
                " return {STAGE, EMPTY, _HANDLER, TZ, AWS_REGION, AWS_LAMBDA_FUNCTION_NAME,"
                " AWS_LAMBDA_FUNCTION_MEMORY_SIZE, AWS_LAMBDA_FUNCTION_VERSION, AWS_LAMBDA_INITIALIZATION_TYPE,"
                " AWS_EXECUTION_ENV, root: LAMBDA_TASK_ROOT === __dirname, cwd: process.cwd() === __dirname}; };",
        "options": ("--env", "STAGE=te st=1 ☕", "--env", "EMPTY=", "--memory-mb", "512", "--runtime", "nodejs20.x",
                    "--handler", "index.handler"),
        "calls": [returns({"STAGE": "te st=1 ☕", "EMPTY": "", "_HANDLER": "index.handler", "TZ": ":UTC",
                           "AWS_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": "environment",
                           "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                           "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "root": True, "cwd": True,
                           "AWS_EXECUTION_ENV": Like(r"AWS_Lambda_nodejs(20\.x)?")})], "log": [], "after": "kept"},
    "no-secret-of-the-node": {
        "code": "const fs = require('fs');\n"
                "const all = () => [...Object.entries(process.env).flat(),"
                " fs.readFileSync('/proc/self/environ', 'latin1'), fs.readFileSync('/proc/self/cmdline', 'latin1')].join('\\n');\n"
                "exports.handler = async () => ({found: /of-the-node-47|TROUPE_/.test(all()),"
                " password: process.env.DATABASE_PASSWORD ?? null});",
        "calls": [returns({"found": False, "password": None})], "log": [], "after": "kept"},
    "node-options": {
        "code": "exports.handler = async () => [Error.stackTraceLimit, require('v8').getHeapStatistics()"
                ".heap_size_limit > 0, process.execArgv.includes('--stack-trace-limit=3')];",
        "options": ("--env", "NODE_OPTIONS=--stack-trace-limit=3"),
        "calls": [returns([3, True, False])], "log": [], "after": "kept"},
    "preloaded-module": {
        "code": {"index.js": "exports.handler = async () => globalThis.preloaded;",
                 "preload.js": "globalThis.preloaded = 'by NODE_OPTIONS';"},
        "options": ("--env", "NODE_OPTIONS=--require ./preload.js"),
        "calls": [returns("by NODE_OPTIONS")], "log": [], "after": "kept"},
    "temporary-files": {
        "code": "const fs = require('fs');\nexports.handler = async () => { const file = `/tmp/suite-${process.pid}`;"
                " fs.writeFileSync(file, 'kept'); const text = fs.readFileSync(file, 'utf8'); fs.unlinkSync(file);"
                " return [text, require('os').tmpdir()]; };",
        "calls": [returns(["kept", "/tmp"])], "log": [], "after": "kept"},
    "descriptors": {
        "code": "const fs = require('fs');\nexports.handler = async () => fs.readdirSync('/proc/self/fd').map((fd) => {"
                " try { return `${fd > 2 ? '' : fd + ' '}${fs.readlinkSync('/proc/self/fd/' + fd).split(':[')[0]}`; }"
                " catch { return ''; } }).filter((link) =>"
                " !/^(|anon_inode|anon_inode:.*|pipe|\\/dev\\/null|\\/proc.*)$/.test(link)).sort();",
        "calls": [returns(["0 /dev/null", "1 pipe", "2 pipe", "socket"])], "log": [], "after": "kept"},
    "process-group-and-privileges": {
        "code": "const fs = require('fs');\nexports.handler = async () => {"
                " const group = Number(fs.readFileSync('/proc/self/stat', 'latin1').split(') ')[1].split(' ')[2]);"
                " const privileges = /NoNewPrivs:\\t(\\d)/.exec(fs.readFileSync('/proc/self/status', 'latin1'))[1];"
                " return [group === process.pid, privileges]; };",
        "calls": [returns([True, "1"])], "log": [], "after": "kept"},
    "resource-limits": {
        "code": "const text = require('fs').readFileSync('/proc/self/limits', 'latin1');\n"
                "const limit = (name) => new RegExp(`${name} +(\\\\S+) +(\\\\S+)`).exec(text).slice(1, 3);\n"
                "exports.handler = async () => [limit('Max core file size'), limit('Max open files')];",
        "calls": [returns([["0", "0"], ["1024", "1024"]])], "log": [], "after": "kept"},
    "children-are-reaped-and-answer": {
        "code": "const {execFileSync} = require('child_process');\n"
                "exports.handler = async () =>"
                " execFileSync('sh', ['-c', 'echo child; pwd']).toString().split('\\n')[0];",
        "calls": [returns("child")], "log": [], "after": "kept"},
    "console-and-streams": {
        "code": "exports.handler = async () => { console.log('plain %s', 'text', {a: [1]});"
                " console.error('bad\\nnews'); process.stdout.write('out\\n'); process.stderr.write('err\\n'); };",
        "calls": [returns(None)],
        "log": [line("INFO", r"plain text \{ a: \[ 1 \] \}"), line("ERROR", "bad.news"), r"(^|\t)out$", r"(^|\t)err$"],
        "after": "kept"},
    "flood-of-lines": {
        "code": "exports.handler = async () => { for (let i = 0; i < 5000; ++i) console.log(i, 'x'.repeat(1000)); };",
        "options": ("--timeout-s", "20"),
        "calls": [returns(None)], "log": FLOOD, "after": "kept"},
    "flood-of-output": {
        "code": "exports.handler = async () => { for (let i = 0; i < 5000; ++i)"
                " process.stdout.write('y'.repeat(1000) + '\\n'); };",
        "options": ("--timeout-s", "20"),
        "calls": [returns(None)], "log": FLOOD, "after": "kept"},
    "lines-after-the-answer": {
        "code": INPUT + "exports.handler = async () => { setTimeout(() => console.log('afterwards'), 30); return 1; };",
        "calls": [returns(1)], "log": [line("INFO", "afterwards")], "after": "kept"},
    "path-without-code": {
        "code": "exports.handler = async (event) => event.rawPath;",
        "calls": [over_http({"status": 200, "body": b"/path-without-code/a"}, path="/a")], "log": [], "after": "kept"},
}
