'use strict';
// What a handler says through console.* becomes log frames, marked with its invocation. Never blocks: beyond a backlog
// of 1 MB lines are dropped and counted.

const util = require('node:util');
const channel = require('./node_channel.cjs');

const levels = {
  log: 'INFO', info: 'INFO', debug: 'DEBUG', warn: 'WARN', error: 'ERROR', trace: 'TRACE', fatal: 'FATAL',
};
const longestLine = 256 * 1024;
const largestBacklog = 1024 * 1024;
/// Lines sent at once in a millisecond, so that they are seen even if the process is killed next; the rest of a flood
/// goes with the turn.
const promptLines = 8;

const Clock = Date;  // tests of user code replace the global one
let callOf = null;
let endTurn = null;
let dropped = 0;
let lastTick = 0;
let linesInTick = 0;

/// Says how many lines are missing, once there is room again.
function reportDropped() {
  if (dropped === 0 || channel.backlog() > largestBacklog)
    return;
  const head = `${new Clock().toISOString()}\tundefined\tWARN\t`;
  channel.log(0, '', `${head}${dropped} lines dropped: more than the node could take`);
  dropped = 0;
}

function write(call, level, message) {
  const now = new Clock();
  const head = `${now.toISOString()}\t${call === null ? 'undefined' : call.invocationId}\t`;
  const id = call === null ? 0 : call.id;
  const name = call === null ? '' : call.invocationId;
  if (channel.backlog() > largestBacklog) {
    ++dropped;
    return;
  }
  reportDropped();
  channel.log(id, name, head + level + '\t' + (message.length > longestLine ? message.slice(0, longestLine) : message));
  if (now.getTime() !== lastTick) {
    lastTick = now.getTime();
    linesInTick = 0;
  }
  if (++linesInTick <= promptLines || channel.backlog() > 64 * 1024)
    channel.flush();
  else
    endTurn();
}

/// @param currentCall    gives the call that runs now, or null.
/// @param scheduleFlush  sees to it that the channel is flushed in this turn of the event loop.
function install(currentCall, scheduleFlush) {
  callOf = currentCall;
  endTurn = scheduleFlush;
  for (const [method, level] of Object.entries(levels))
    console[method] = (...values) => write(callOf(), level, util.format(...values));
}

module.exports = { install, write, reportDropped };
