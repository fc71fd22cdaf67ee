'use strict';
// One call: its context object, and how it is settled, once. What runs when is up to node.cjs.

const channel = require('./node_channel.cjs');
const { parseValues } = require('./node_event.cjs');
const { runtimeError, errorShape, errorForLog } = require('./node_handler.cjs');
const logging = require('./node_console.cjs');

const now = Date.now;  // tests of user code replace it

/// Of the function that this worker runs; set when it is loaded.
const served = {
  concurrency: 1,
  maxAnswerBytes: 6291556,
  isAsync: false,
  settings: null,  // of the context object, the same for all calls
};
let ends = null;  // told of each call that is settled

class Call {
  /// @param makeEvent  of a shaped call, whose `event` is values and which has nothing else before it starts: null for
  ///                   others.
  constructor(id, event, makeEvent, invocationId, deadline, trace, clientContext) {
    this.id = id;
    this.makeEvent = makeEvent;
    this.event = event;
    this.invocationId = invocationId;
    this.deadline = deadline;
    this.trace = trace;
    this.clientContext = clientContext;
    this.settled = false;
    this.held = null;  // the answer that a callback gave, until the loop is empty
    this.before = null;  // those that run, in a chain
    this.after = null;
  }
}

/// The handler's event, to be asked for once.
function takeEvent(call) {
  const { event, makeEvent } = call;
  call.event = '';
  if (makeEvent === null)
    return event === '' ? {} : JSON.parse(event);
  call.makeEvent = null;
  return makeEvent(event);
}

/// A shaped call learns who it is before anything can ask.
function begin(call) {
  if (call.makeEvent === null)
    return;
  const values = parseValues(call.event);
  call.event = values;
  call.invocationId = values[0];
  call.deadline = values[1];
  call.trace = values[2];
}

function sendAnswer(call, json) {
  if (json.length > served.maxAnswerBytes / 3 && Buffer.byteLength(json) > served.maxAnswerBytes) {
    const type = 'Function.ResponseSizeTooLarge';
    const errorMessage = `Response payload size exceeded maximum allowed payload size (${served.maxAnswerBytes} bytes).`;
    channel.error(call.id, JSON.stringify({ errorMessage, errorType: type }), type);
  } else {
    channel.answer(call.id, json);
  }
}

function sendError(id, shape) {
  let json = JSON.stringify(shape);
  if (json.length > served.maxAnswerBytes / 3)
    json = JSON.stringify({ errorType: shape.errorType, errorMessage: shape.errorMessage.slice(0, 65536), trace: [] });
  channel.error(id, json, shape.errorType);
}

/// The value as the answer's JSON; throws what the caller is to see.
function serialized(value) {
  let json;
  try {
    json = value === undefined ? 'null' : JSON.stringify(value);
  } catch {
    json = undefined;
  }
  if (json === undefined)
    throw new Error('Unable to stringify response body');
  return json;
}

function answerText(call, json) {
  if (call.settled)
    return;
  call.settled = true;
  sendAnswer(call, json);
  ends(call);
}

function succeed(call, value) {
  if (call.settled || call.held !== null)
    return;
  let json;
  try {
    json = serialized(value);
  } catch (problem) {
    fail(call, problem);
    return;
  }
  answerText(call, json);
}

function fail(call, problem) {
  if (call.settled || call.held !== null)
    return;
  failNow(call, problem === undefined || problem === null ? 'handled' : problem);
}

function failNow(call, problem) {
  if (call.settled)
    return;
  call.settled = true;
  logging.write(call, 'ERROR', `Invoke Error \t${errorForLog(problem)}`);
  sendError(call.id, errorShape(problem));
  ends(call);
}

/// The handler's third argument. With overlapping calls an empty loop says nothing about one of them: answered at once.
function called(call, context, problem, value) {
  if (problem !== undefined && problem !== null) {
    fail(call, problem);
  } else if (served.concurrency > 1 || !context.callbackWaitsForEmptyEventLoop) {
    succeed(call, value);
  } else if (!call.settled && call.held === null) {
    try {
      call.held = serialized(value);
    } catch (unserializable) {
      failNow(call, unserializable);
    }
  }
}

/// The event loop is empty, so nothing can settle this call any more.
function settleAbandoned(call) {
  if (call.held !== null)
    answerText(call, call.held);
  else if (served.isAsync)
    failNow(call, runtimeError('NodeJsExit', 'The Lambda runtime client detected an unexpected Node.js exit code. ' +
      'This is most commonly caused by a Promise that was never settled. For more information, see ' +
      'https://nodejs.org/docs/latest/api/process.html#exit-codes'));
  else
    answerText(call, 'null');
}

function makeContext(call) {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: served.settings.functionVersion,
    functionName: served.settings.functionName,
    memoryLimitInMB: served.settings.memoryLimitInMB,
    logGroupName: served.settings.logGroupName,
    logStreamName: served.settings.logStreamName,
    clientContext: call.clientContext === '' ? undefined : JSON.parse(call.clientContext),
    identity: undefined,
    invokedFunctionArn: served.settings.invokedFunctionArn,
    awsRequestId: call.invocationId,
    tenantId: undefined,
    getRemainingTimeInMillis: () => call.deadline - now(),
    succeed: (value) => succeed(call, value),
    fail: (problem) => fail(call, problem),
    done: (problem, value) => problem === undefined || problem === null ? succeed(call, value) : fail(call, problem),
  };
}

/// @param whenSettled  called with each call right after its answer was handed to the channel.
function install(whenSettled) {
  ends = whenSettled;
}

module.exports = {
  Call, answerText, begin, called, fail, install, makeContext, sendError, served, settleAbandoned, takeEvent,
};
