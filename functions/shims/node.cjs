'use strict';
// Runs the handler of one function for a troupe node: Node.js 18 or newer, no npm, descriptor 3 to the node.
// The contract with handlers is AWS Lambda's (callbacks, context, errors). Here is which call runs when, and how the
// process begins and ends; the frames are in node_channel.cjs, how a call is settled in node_call.cjs.

const { AsyncLocalStorage } = require('node:async_hooks');
const { types } = require('node:util');
const channel = require('./node_channel.cjs');
const calls = require('./node_call.cjs');
const { findHandler, warmUp, runtimeError, errorShape, errorForLog } = require('./node_handler.cjs');
const events = require('./node_event.cjs');
const logging = require('./node_console.cjs');
const streaming = require('./node_stream.cjs');

// Kept from before any user code runs: tests of user code replace them.
const now = Date.now;
const { setImmediate, process } = globalThis;
const { Call, served } = calls;

/// After so long in one turn of the loop no call is started before a look at the channel: what waits may be cancelled
/// by then, and what is ready should not wait for the rest.
const longTurnMs = 2;

let handler = null;
let streams = false;
let storage = null;   // which call a line belongs to; only where calls overlap
let loading = false;
let stopping = false;
let leaving = false;

// The calls that run, in the order of their start: chained, because a Set costs more per call than all else here.
let running = 0;
let oldest = null;
let newest = null;
let waiting = [];
let current = null;  // the call started last
let pumping = false;
let paused = false;
let turnScheduled = false;
let turnBegan = 0;
let referenced = true;

function addRunning(call) {
  ++running;
  call.before = newest;
  if (newest === null)
    oldest = call;
  else
    newest.after = call;
  newest = call;
}

/// Each call once only.
function removeRunning(call) {
  --running;
  if (call.before === null)
    oldest = call.after;
  else
    call.before.after = call.after;
  if (call.after === null)
    newest = call.before;
  else
    call.after.before = call.before;
  call.before = call.after = null;
}

/// What a turn of the event loop produced goes out in one write.
function turnEnds() {
  turnScheduled = false;
  logging.reportDropped();
  channel.flush();
  hold(running === 0);
}

function scheduleTurnEnd() {
  if (!turnScheduled) {
    turnScheduled = true;
    turnBegan = now();
    setImmediate(turnEnds);
  }
}

/// While calls run the channel does not keep the loop alive: so `beforeExit` tells that a handler waits for nothing.
function hold(wanted) {
  if (referenced === wanted)
    return;
  referenced = wanted;
  if (wanted)
    channel.ref();
  else
    channel.unref();
}

/// Calls that wait here have not run: another worker may have them.
function giveBackWaiting() {
  for (const call of waiting.splice(0))
    channel.cancelled(call.id);
}

/// Ends the process as soon as the node has what was sent; no handler is started any more.
function leave(code) {
  if (leaving)
    return;
  leaving = true;
  giveBackWaiting();
  channel.drained(() => process.exit(code));
}

function pump() {
  if (pumping || paused)
    return;
  pumping = true;
  while (waiting.length > 0 && running < served.concurrency && !leaving) {
    if (turnScheduled && now() - turnBegan >= longTurnMs) {
      pauseForFrames();
      break;
    }
    start(waiting.shift());
  }
  pumping = false;
  if (stopping && running === 0)
    leave(0);
}

/// Sends what is ready and lets the loop read once before the next call starts.
function pauseForFrames() {
  paused = true;
  channel.flush();
  setImmediate(() => setImmediate(() => {
    paused = false;
    pump();
  }));
}

function ends(call) {
  removeRunning(call);
  scheduleTurnEnd();
  if (stopping || waiting.length > 0)
    pump();
}

function invoke(call) {
  try {
    const event = calls.takeEvent(call);
    const context = calls.makeContext(call);
    const result = streams
      ? streaming.run(handler, event, context, served.maxAnswerBytes)
      : handler(event, context, (problem, value) => calls.called(call, context, problem, value));
    if (result !== undefined && result !== null && typeof result.then === 'function')
      result.then(streams ? (text) => calls.answerText(call, text) : context.succeed, context.fail);
  } catch (problem) {
    calls.fail(call, problem);
  }
}

function start(call) {
  addRunning(call);
  calls.begin(call);
  current = call;
  scheduleTurnEnd();
  if (storage !== null) {
    storage.run(call, invoke, call);
    return;
  }
  invoke(call);
}

function currentCall() {
  return storage === null ? current : storage.getStore() ?? null;
}

/// A generic worker becomes that of one function. What is as it should be already is left alone: a new TZ, even the
/// same one, makes V8 read the time zone again.
function become(environment, folder) {
  for (const name of Object.keys(process.env))
    if (!Object.hasOwn(environment, name))
      delete process.env[name];
  for (const [name, value] of Object.entries(environment))
    if (process.env[name] !== value)
      process.env[name] = value;
  process.chdir(folder);
}

async function load(json) {
  const begun = process.hrtime.bigint();
  loading = true;
  const given = JSON.parse(json);
  served.concurrency = given.concurrency ?? 1;
  served.maxAnswerBytes = given.max_answer_bytes ?? served.maxAnswerBytes;
  served.settings = {
    functionVersion: given.function_version, functionName: given.function_name,
    memoryLimitInMB: String(given.memory_mb), logGroupName: given.log_group, logStreamName: given.log_stream,
    invokedFunctionArn: given.invoked_function_arn,
  };
  if (served.concurrency > 1)
    storage = new AsyncLocalStorage();
  try {
    become(given.environment, given.task_root);
    handler = await findHandler(given.task_root, given.handler);
  } catch (problem) {
    initFailed('Uncaught Exception', problem, 1);
    return;
  }
  served.isAsync = types.isAsyncFunction(handler);
  streams = streaming.isStreaming(handler);
  loading = false;
  channel.loaded(Number((process.hrtime.bigint() - begun) / 1000n));
  channel.flush();
}

function initFailed(what, problem, code) {
  loading = false;
  logging.write(null, 'ERROR', `${what} \t${errorForLog(problem)}`);
  calls.sendError(0, errorShape(problem));
  leave(code);
}

/// Something failed outside every handler's reach: the process is in an unknown state and ends.
function collapse(what, problem, code) {
  if (leaving)
    return;
  if (loading) {
    initFailed(what, problem, code);
    return;
  }
  const known = currentCall();
  const blamed = known !== null && !known.settled ? known : running === 1 ? oldest : null;
  logging.write(blamed ?? current, 'ERROR', `${what} \t${errorForLog(problem)}`);
  channel.leaves();  // before the error: it frees the place of the call, which must not be given to another
  if (blamed !== null && !blamed.settled) {
    blamed.settled = true;
    calls.sendError(blamed.id, errorShape(problem));
  }
  leave(code);
}

process.on('uncaughtException', (problem) => collapse('Uncaught Exception', problem, 129));

process.on('unhandledRejection', (reason) => {
  const problem = runtimeError('UnhandledPromiseRejection', String(reason), reason);
  problem.reason = reason;
  collapse('Unhandled Promise Rejection', problem, 128);
});

process.on('beforeExit', () => {
  hold(true);
  const abandoned = [];  // one that is settled may let the next begin, which is not abandoned
  for (let call = oldest; call !== null; call = call.after)
    abandoned.push(call);
  for (const call of abandoned)
    calls.settleAbandoned(call);
});

process.on('exit', () => {
  if (waiting.length > 0) {
    channel.leaves();  // before what is given back, which must not come again
    giveBackWaiting();
  }
  channel.flush();
});

function receivedCall(id, event, invocationId, deadline, trace, clientContext) {
  waiting.push(new Call(id, event, null, invocationId, deadline, trace, clientContext));
}

function received(kind, id, text, shape) {
  switch (kind) {
    case channel.kinds.shapedCall:
      waiting.push(new Call(id, text, events.maker(shape), '', 0, '', ''));
      break;
    case channel.kinds.shape:
      events.learn(id, text);
      break;
    case channel.kinds.cancel: {
      const at = waiting.findIndex((call) => call.id === id);
      if (at >= 0) {
        waiting.splice(at, 1);
        channel.cancelled(id);
        scheduleTurnEnd();
      }
      break;
    }
    case channel.kinds.ping:
      channel.pong(id);
      scheduleTurnEnd();
      break;
    case channel.kinds.load:
      load(text);
      break;
    case channel.kinds.stop:
      stopping = true;
      giveBackWaiting();
      scheduleTurnEnd();
      break;
  }
}

// An assignment to process.env costs more than a microsecond per call; what its prototype answers costs only who asks.
Object.setPrototypeOf(process.env, Object.create(Object.getPrototypeOf(process.env), {
  _X_AMZN_TRACE_ID: { enumerable: true, get: () => currentCall()?.trace || undefined },
}));

// What a handler writes to its standard output is with the node before its answer, and before its end, however it comes:
// the node always drains the pipe.
for (const stream of [process.stdout, process.stderr])
  stream._handle?.setBlocking?.(true);

streaming.install();
calls.install(ends);
logging.install(currentCall, scheduleTurnEnd);
channel.open(receivedCall, received, pump);
warmUp().then(() => {
  channel.hello(`node ${process.version}`);
  channel.flush();
});
