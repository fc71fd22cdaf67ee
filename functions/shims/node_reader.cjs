'use strict';
// Cuts what the node sends into frames: a little-endian u32 length and a msgpack array [kind, call id, fields...]. The
// kinds are those of functions/frame.hpp.

const kinds = {
  hello: 1, load: 2, loaded: 3, call: 4, answer: 5, error: 6,
  cancel: 8, cancelled: 9, log: 10, ping: 11, pong: 12, stop: 13,
  shape: 14, shapedCall: 15,
};

/// The node never sends more than an event, an invocation id and a client context: the most that the setting
/// worker.max_payload_bytes may be, and what lies around it.
const longestFrame = 257 * 1024 * 1024;

let receive = null;
let receiveCall = null;

// Where decoding is.
let input = null;
let cursor = 0;

function malformed(what) {
  process.stderr.write(`troupe: the node sent ${what}; this worker ends\n`);
  process.exit(70);
}

// Buffer's own readers check their arguments, which costs more than the bytes; beyond the end these give NaN and 0, and
// `decode` finds the frame cut short.
function uint16() {
  cursor += 2;
  return input[cursor - 2] << 8 | input[cursor - 1];
}

function uint32() {
  cursor += 4;
  return input[cursor - 4] * 16777216 + (input[cursor - 3] << 16 | input[cursor - 2] << 8 | input[cursor - 1]);
}

function uint() {
  const lead = input[cursor++];
  if (lead < 0x80)
    return lead;
  switch (lead) {
    case 0xcc: return input[cursor++];
    case 0xcd: return uint16();
    case 0xce: return uint32();
    case 0xcf: return uint32() * 4294967296 + uint32();
    default: return malformed('a value that is no number');
  }
}

/// The size of a str or bin whose head is next; nil is an empty one.
function size() {
  const lead = input[cursor++];
  if (lead >= 0xa0 && lead < 0xc0)
    return lead & 31;
  switch (lead) {
    case 0xc0: return 0;
    case 0xc4: case 0xd9: return input[cursor++];
    case 0xc5: case 0xda: return uint16();
    case 0xc6: case 0xdb: return uint32();
    default: return malformed('a value that is no text');
  }
}

function text() {
  const length = size();
  if (length === 0)
    return '';
  const from = cursor;
  cursor += length;
  return input.utf8Slice(from, cursor);
}

/// [kind, id, event, invocation id, deadline, trace, client context]
function decodeCall(id, to) {
  const event = text();
  const nameLength = size();
  const nameFrom = cursor;
  cursor += nameLength;
  const deadline = uint();
  const traceLength = size();
  cursor += traceLength;
  // Identifiers are ASCII. One copy of both and what is between them: each step out of JavaScript costs more.
  const names = input.latin1Slice(nameFrom, cursor);
  const trace = traceLength === 0 ? '' : names.substring(names.length - traceLength);
  const clientContext = text();
  if (cursor > to)
    malformed('a frame that is cut short');
  receiveCall(id, event, names.substring(0, nameLength), deadline, trace, clientContext);
}

function decode(buffer, from, to) {
  input = buffer;
  cursor = from;
  const lead = input[cursor++];
  if (lead === 0xdc)
    cursor += 2;
  else if ((lead & 0xf0) !== 0x90)
    malformed('a frame that is no array');
  const kind = uint();
  const id = uint();
  if (kind === kinds.call) {
    decodeCall(id, to);
    return;
  }
  const shape = kind === kinds.shapedCall ? uint() : 0;
  const json = kind === kinds.load || kind === kinds.shape || kind === kinds.shapedCall ? text() : null;
  if (cursor > to)
    malformed('a frame that is cut short');
  receive(kind, id, json, shape);
}

// A frame that one read did not complete; only such a frame is copied.
const header = Buffer.alloc(4);
let headerFill = 0;
let partial = null;
let partialFill = 0;

function expectFrame(length) {
  if (length === 0 || length > longestFrame)
    malformed(`a frame of ${length} bytes`);
  partial = Buffer.allocUnsafeSlow(length);
  partialFill = 0;
}

/// Takes the first `count` bytes of `buffer`, which may be overwritten afterwards.
function take(count, buffer) {
  let at = 0;
  while (at < count) {
    if (partial !== null) {
      const taken = Math.min(partial.length - partialFill, count - at);
      buffer.copy(partial, partialFill, at, at + taken);
      partialFill += taken;
      at += taken;
      if (partialFill === partial.length) {
        const whole = partial;
        partial = null;
        decode(whole, 0, whole.length);
      }
    } else if (headerFill > 0 || count - at < 4) {
      while (headerFill < 4 && at < count)
        header[headerFill++] = buffer[at++];
      if (headerFill === 4) {
        headerFill = 0;
        expectFrame(header.readUInt32LE(0));
      }
    } else {
      const length = buffer.readUInt32LE(at);
      at += 4;
      if (length > 0 && length <= count - at) {
        decode(buffer, at, at + length);
        at += length;
      } else {
        expectFrame(length);
      }
    }
  }
}

/// @param onCall   called with id, event, invocation id, deadline, trace and client context.
/// @param onFrame  called with kind, id, the text of a load, a shape or a shaped call (else null), and the number of a
///                 shaped call's shape.
function begin(onCall, onFrame) {
  receiveCall = onCall;
  receive = onFrame;
}

module.exports = { kinds, begin, take };
