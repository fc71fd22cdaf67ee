'use strict';
// `awslambda.streamifyResponse` for handlers that write their answer to a stream. Here the answer is gathered and
// sent whole.

const { Writable } = require('node:stream');
const { runtimeError } = require('./node_handler.cjs');

const marker = Symbol.for('aws.lambda.runtime.handler.streaming');
const prelude = Symbol('prelude');

class ResponseStream extends Writable {
  #chunks = [];
  #bytes = 0;
  #limit;
  #contentType = null;

  constructor(limit) {
    super();
    this.#limit = limit;
  }

  setContentType(type) {
    this.#contentType = type;
  }

  _write(chunk, _encoding, done) {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limit) {
      done(runtimeError('InvalidStreamingOperation', `The response stream exceeds ${this.#limit} bytes.`));
      return;
    }
    this.#chunks.push(chunk);
    done();
  }

  /// The bytes as they are when the handler said nothing about them, else a response with status and headers.
  answer() {
    const bytes = Buffer.concat(this.#chunks);
    const text = bytes.toString('utf8');
    const isText = Buffer.byteLength(text) === bytes.length && Buffer.from(text, 'utf8').equals(bytes);
    let meta = this[prelude];
    if (meta === undefined && this.#contentType === null && isText)
      return text;
    meta = meta ?? { headers: { 'content-type': this.#contentType ?? 'application/octet-stream' } };
    return JSON.stringify({
      statusCode: meta.statusCode ?? 200, headers: meta.headers, cookies: meta.cookies,
      body: isText ? text : bytes.toString('base64'), isBase64Encoded: !isText,
    });
  }
}

function isStreaming(handler) {
  return handler[marker] === 'response';
}

/// Runs a streaming handler. @returns a promise of the answer's text.
async function run(handler, event, context, limit) {
  const stream = new ResponseStream(limit);
  const ended = new Promise((resolve, reject) => {
    stream.on('finish', resolve);
    stream.on('error', reject);
  });
  ended.catch(() => {});  // reported below, unless the handler itself fails first
  const result = handler(event, stream, context);
  if (result === null || typeof result !== 'object' || typeof result.then !== 'function')
    throw runtimeError('MalformedStreamingHandler', 'Streaming does not support non-async handlers.');
  await Promise.race([result, ended.then(() => result)]);
  if (!stream.writableEnded)
    throw runtimeError('InvalidStreamingOperation', 'Response stream is not finished.');
  await ended;
  return stream.answer();
}

function install() {
  globalThis.awslambda = {
    ...globalThis.awslambda,
    streamifyResponse(handler) {
      handler[marker] = 'response';
      return handler;
    },
    HttpResponseStream: class HttpResponseStream {
      static from(stream, meta) {
        stream[prelude] = meta;
        return stream;
      }
    },
  };
}

module.exports = { install, isStreaming, run };
