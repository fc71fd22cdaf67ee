'use strict';
// From `FILE.EXPORT` to a function, as AWS Lambda's Node.js runtime finds it, and the shapes of errors that callers
// know.

const fs = require('node:fs');
const path = require('node:path');
const util = require('node:util');
const { pathToFileURL } = require('node:url');

class RuntimeError extends Error {
  /// @param cause  where the trace points to; the error's own stack would only show this file.
  constructor(name, message, cause) {
    super(message);
    this.name = `Runtime.${name}`;
    const below = util.types.isNativeError(cause) && typeof cause.stack === 'string' ? cause.stack : '';
    this.stack = `${this.name}: ${message}${below && `\n${below}`}`;
  }
}

const runtimeError = (name, message, cause) => new RuntimeError(name, message, cause);

function isError(value) {
  return util.types.isNativeError(value) ||
    (value && typeof value.name === 'string' && typeof value.message === 'string' && typeof value.stack === 'string' &&
      value.name !== '' && value.message !== '' && value.stack !== '');
}

/// What a caller gets of a thrown value.
function errorShape(value) {
  const clean = (text) => String(text).replaceAll('\x7f', '%7F');
  try {
    if (isError(value))
      return {
        errorType: clean(value.name), errorMessage: clean(value.message), trace: clean(value.stack).split('\n'),
      };
    return { errorType: typeof value, errorMessage: String(value), trace: [] };
  } catch {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of ' +
        'its message, name, and stack',
      trace: [],
    };
  }
}

/// The same for the log: with the error's own members.
function errorForLog(value) {
  const shape = errorShape(value);
  const entry = { errorType: shape.errorType, errorMessage: shape.errorMessage };
  try {
    if (isError(value)) {
      for (const key of Object.keys(value))
        if (!(key in entry) && key !== 'name' && key !== 'message' && key !== 'stack')
          entry[key] = value[key];
      if (value.reason !== undefined && isError(value.reason))
        entry.reason = errorForLog(value.reason);
    }
    entry.stack = shape.trace;
    return JSON.stringify(entry);
  } catch {
    return JSON.stringify({ errorType: shape.errorType, errorMessage: shape.errorMessage, stack: shape.trace });
  }
}

function isFile(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

/// Whether the nearest package.json above the file makes its `.js` files ES modules.
function inModulePackage(file) {
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    if (folder.endsWith('/node_modules'))
      return false;
    const manifest = path.join(folder, 'package.json');
    if (isFile(manifest)) {
      try {
        return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
      } catch {
        return false;  // Node itself says what is wrong with it, when it loads the module
      }
    }
    if (folder === path.dirname(folder))
      return false;
  }
}

async function loadModule(taskRoot, folder, name) {
  const file = path.resolve(taskRoot, folder, name);
  const imported = (extension) => import(pathToFileURL(file + extension).href);
  if (isFile(file))
    return require(file);
  if (isFile(`${file}.js`))
    return inModulePackage(file) ? imported('.js') : require(`${file}.js`);
  if (isFile(`${file}.mjs`))
    return imported('.mjs');
  if (isFile(`${file}.cjs`))
    return require(`${file}.cjs`);
  if (fs.existsSync(file))
    return require(file);  // a folder with an index file
  return require(require.resolve(name, { paths: [taskRoot, path.resolve(taskRoot, folder)] }));
}

/// @returns the handler function; throws what a caller is to see.
async function findHandler(taskRoot, handler) {
  if (handler.includes('..'))
    throw runtimeError('MalformedHandlerName', `'${handler}' is not a valid handler name. Use absolute paths when ` +
      'specifying root directories in handler names.');
  const base = path.basename(handler);
  const folder = handler.slice(0, handler.lastIndexOf(base));
  const parts = /^([^.]*)\.(.*)$/.exec(base);
  if (parts === null || parts[1] === '' || parts[2] === '')
    throw runtimeError('MalformedHandlerName', 'Bad handler');
  let loaded;
  try {
    loaded = await loadModule(taskRoot, folder, parts[1]);
  } catch (problem) {
    if (problem instanceof SyntaxError)
      throw runtimeError('UserCodeSyntaxError', String(problem), problem);
    if (problem && (problem.code === 'MODULE_NOT_FOUND' || problem.code === 'ERR_MODULE_NOT_FOUND'))
      throw runtimeError('ImportModuleError', String(problem), problem);
    throw problem;
  }
  const found = parts[2].split('.').reduce((value, key) => value?.[key], loaded);
  if (found === undefined || found === null)
    throw runtimeError('HandlerNotFound', `${handler} is undefined or not exported`);
  if (typeof found !== 'function')
    throw runtimeError('HandlerNotFound', `${handler} is not a function`);
  return found;
}

/// Has compiled what the first search needs, while nobody waits for it: this program finds itself.
async function warmUp() {
  inModulePackage(__filename);
  await findHandler(__dirname, `${path.parse(__filename).name}.nothing`).catch(() => {});
}

module.exports = { findHandler, warmUp, runtimeError, errorShape, errorForLog };
