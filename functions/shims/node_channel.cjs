'use strict';
// The worker's end of the socket pair, and the frames that it writes. What they mean is node.cjs's business.

const net = require('node:net');
const reader = require('./node_reader.cjs');

const { kinds } = reader;
const slabBytes = 128 * 1024;
/// A string this long or shorter is encoded straight into the slab: three bytes per UTF-16 unit at most.
const longestInSlab = 16 * 1024;

let socket = null;
// Frames gather in a slab that is sent in pieces, so that nothing is copied again. What the kernel does not have yet
// is never written to.
let slab = Buffer.allocUnsafeSlow(slabBytes);
let slabSent = 0;
let slabFill = 0;
let waiting = [];  // buffers before what is unsent of the slab
let waitingBytes = 0;

function setAside() {
  if (slabFill > slabSent) {
    waiting.push(slab.subarray(slabSent, slabFill));
    waitingBytes += slabFill - slabSent;
    slabSent = slabFill;
  }
}

function room(bytes) {
  if (slab.length - slabFill >= bytes)
    return;
  setAside();
  slab = Buffer.allocUnsafeSlow(slabBytes);
  slabSent = slabFill = 0;
}

// Buffer's own writers check their arguments, which costs more than the bytes.
function setUint32BE(value, at) {
  slab[at] = value >>> 24;
  slab[at + 1] = value >>> 16;
  slab[at + 2] = value >>> 8;
  slab[at + 3] = value;
}

/// The length of the frame that began at `start`; `aside` of its bytes are not in the slab.
function end(start, aside) {
  const length = slabFill - start - 4 + aside;
  slab[start] = length;
  slab[start + 1] = length >>> 8;
  slab[start + 2] = length >>> 16;
  slab[start + 3] = length >>> 24;
}

function putUint(value) {
  if (value < 0x80) {
    slab[slabFill++] = value;
  } else if (value <= 0xffffffff) {
    slab[slabFill] = 0xce;
    setUint32BE(value, slabFill + 1);
    slabFill += 5;
  } else {
    slab[slabFill] = 0xcf;
    setUint32BE(Math.floor(value / 4294967296), slabFill + 1);
    setUint32BE(value % 4294967296, slabFill + 5);
    slabFill += 9;
  }
}

/// An identifier: cut at 255 bytes.
function putName(value) {
  const length = slab.latin1Write(value, slabFill + 2, 255);
  slab[slabFill] = 0xd9;
  slab[slabFill + 1] = length;
  slabFill += 2 + length;
}

function begin(kind, id, fields) {
  const start = slabFill;
  slabFill += 4;
  slab[slabFill++] = 0x90 | fields;
  slab[slabFill++] = kind;
  putUint(id);
  return start;
}

/// Room for a head with one name and one number behind it.
const longestHead = 4 + 2 + 9 + 2 + 255 + 9 + 5;

/// Sends [kind, id, before?, payload, after?]; the payload is a string, written as bin.
function put(kind, id, before, payload, after) {
  const inSlab = payload.length <= longestInSlab;
  room(2 * longestHead + (inSlab ? payload.length * 3 : 0));
  const start = begin(kind, id, 3 + (before !== null) + (after !== null));
  if (before !== null)
    putName(before);
  slab[slabFill] = 0xc6;
  const sizeAt = slabFill + 1;
  slabFill += 5;
  let aside = 0;
  if (inSlab) {
    const length = slab.utf8Write(payload, slabFill, payload.length * 3);
    setUint32BE(length, sizeAt);
    slabFill += length;
  } else {
    const bytes = Buffer.from(payload, 'utf8');
    setUint32BE(bytes.length, sizeAt);
    setAside();
    waiting.push(bytes);
    aside = bytes.length;
    waitingBytes += aside;
  }
  if (after !== null)
    putName(after);
  end(start, aside);
}

/// Sends [kind, id] or [kind, id, number].
function putShort(kind, id, number) {
  room(longestHead);
  const start = begin(kind, id, number === null ? 2 : 3);
  if (number !== null)
    putUint(number);
  end(start, 0);
}

function hello(runtime) {
  room(longestHead);
  const start = begin(kinds.hello, 0, 4);
  putUint(2);  // shapes too
  putName(runtime);
  end(start, 0);
}

/// The kernel mostly takes all at once. Slabs that were left to the collector outgrew a small function's memory.
function reuseSlab() {
  if (socket.writableLength === 0)
    slabSent = slabFill = 0;
}

/// One system call for all that has gathered.
function flush() {
  if (waiting.length === 0) {
    if (slabFill > slabSent) {
      const piece = slab.subarray(slabSent, slabFill);
      slabSent = slabFill;
      socket.write(piece);
      reuseSlab();
    }
    return;
  }
  setAside();
  const pieces = waiting;
  waiting = [];
  waitingBytes = 0;
  socket.cork();
  for (const piece of pieces)
    socket.write(piece);
  socket.uncork();
  reuseSlab();
}

/// Bytes that the node has not taken yet.
function backlog() {
  return socket.writableLength + waitingBytes + slabFill - slabSent;
}

/// Calls `then` once everything is in the kernel's hands, or after a second: the node may not be reading any more.
function drained(then) {
  flush();
  if (socket.writableLength === 0) {
    then();
    return;
  }
  setTimeout(then, 1000);
  socket.write('', then);
}

/// @param onCall, onFrame  as of node_reader.cjs.
/// @param onTurn           called after each read.
function open(onCall, onFrame, onTurn) {
  reader.begin(onCall, onFrame);
  const callback = (count, buffer) => {
    reader.take(count, buffer);
    onTurn();
    return true;
  };
  socket = new net.Socket({
    fd: 3, readable: true, writable: true,
    onread: { buffer: Buffer.allocUnsafeSlow(slabBytes), callback },
  });
  // The node has gone, in order or not: nobody waits for anything any more.
  socket.on('end', () => process.exit(0));
  socket.on('error', () => process.exit(0));
}

module.exports = {
  kinds, open, hello, flush, backlog, drained,
  /// Whether the channel alone keeps the process alive.
  ref: () => socket.ref(),
  unref: () => socket.unref(),
  answer: (id, json) => put(kinds.answer, id, null, json, null),
  error: (id, json, type) => put(kinds.error, id, null, json, type),
  log: (id, invocationId, line) => put(kinds.log, id, invocationId, line, null),
  loaded: (microseconds) => putShort(kinds.loaded, 0, microseconds),
  cancelled: (id) => putShort(kinds.cancelled, id, null),
  pong: (id) => putShort(kinds.pong, id, null),
  /// The worker takes no more calls and ends by itself.
  leaves: () => putShort(kinds.stop, 0, null),
};
