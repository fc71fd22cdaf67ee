"""Runs the handler of one function for a troupe node: Python 3.9 or newer, standard library only, descriptor 3 to the
node. The contract with handlers is AWS Lambda's; the frames are in python_channel."""
import collections
import json
import os
import sys
import time
import traceback

import python_channel
import python_logging
from python_context import LambdaContext
from python_handler import Fault, error_shape, find_handler

# Kept from before any user code runs: tests of user code replace them.
_ticks = time.perf_counter
_parse = json.loads
_exit = os._exit

# After so long without a look at the channel no call is started before one: what waits may be cancelled by then, and
# what is ready should not wait for the rest.
_LONG_TURN = 0.001
_TRACE = '_X_AMZN_TRACE_ID'

_calls = collections.deque()


class _Worker:
    def __init__(self, channel):
        self.channel = channel
        self.handler = None
        self.fixed = {}
        self.serialize = None
        self.max_answer_bytes = 6291556
        self.stopping = False

    def run(self):
        channel = self.channel
        python_logging.install(channel)
        channel.hello('python %d.%d.%d' % sys.version_info[:3])
        looked = _ticks()
        while True:
            if not _calls:
                if self.stopping:
                    self.leave(0)
                channel.flush()
                self.take(channel.receive(True))
                looked = _ticks()
            elif _ticks() - looked >= _LONG_TURN:
                channel.flush()
                self.take(channel.receive(False))
                looked = _ticks()
            if _calls:
                self.call(*_calls.popleft())

    def take(self, frames):
        if frames is None:
            _exit(0)  # the node has gone, in order or not: nobody waits for anything any more
        for kind, call_id, fields in frames:
            if kind == python_channel.CALL:
                _calls.append((call_id, fields))
            elif kind == python_channel.CANCEL:
                for call in _calls:
                    if call[0] == call_id:
                        _calls.remove(call)
                        self.channel.bare(python_channel.CANCELLED, call_id)
                        break
            elif kind == python_channel.PING:
                self.channel.bare(python_channel.PONG, call_id)
            elif kind == python_channel.LOAD:
                self.load(json.loads(fields))
            elif kind == python_channel.STOP:
                self.stopping = True
                self.give_back()

    def give_back(self):
        while _calls:
            self.channel.bare(python_channel.CANCELLED, _calls.popleft()[0])

    def leave(self, status):
        """Ends the process, whatever threads of the function still run. The node has what was said before."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass  # the function closed or replaced it
        self.channel.flush()
        _exit(status)

    def ends(self, problem):
        """What no handler may survive: sys.exit and the exceptions that are no Exception. As in any Python program."""
        self.channel.bare(python_channel.STOP, 0)  # before all else: nothing more is to be given to this process
        self.give_back()
        if not isinstance(problem, SystemExit):
            traceback.print_exception(type(problem), problem, problem.__traceback__)
            self.leave(1)
        if problem.code is None or isinstance(problem.code, int):
            self.leave((problem.code or 0) & 0xff)
        print(problem.code, file=sys.stderr)
        self.leave(1)

    def load(self, given):
        begun = _ticks()
        try:
            _become(given['environment'], given['task_root'])
            self.max_answer_bytes = given['max_answer_bytes']
            self.fixed = {
                'function_name': given['function_name'], 'function_version': given['function_version'],
                'invoked_function_arn': given['invoked_function_arn'], 'memory_limit_in_mb': str(given['memory_mb']),
                'log_group_name': given['log_group'], 'log_stream_name': given['log_stream'], 'tenant_id': None,
            }
            self.serialize = _encoder(os.environ.get('AWS_EXECUTION_ENV', ''))
            self.handler = find_handler(given['task_root'], given['handler'])
        except Exception as problem:
            shape = error_shape(problem, '')
            python_logging.error(shape)
            self.send_error(0, shape)
            self.leave(1)
        except BaseException as problem:
            self.ends(problem)
        self.channel.loaded(min(0xffffffff, max(1, int((_ticks() - begun) * 1e6))))

    def call(self, call_id, fields):
        event, invocation_id, deadline, trace, client_context = fields
        python_logging.call_id = call_id
        python_logging.invocation_id = invocation_id
        if trace:
            os.environ[_TRACE] = trace
        else:
            os.environ.pop(_TRACE, None)
        try:
            value = self.handler(_event_of(event), self.context_of(invocation_id, deadline, client_context))
            payload = value if type(value) is bytes else self.marshal(value)
        except Exception as problem:
            shape = error_shape(problem, invocation_id)
            python_logging.error(shape)
            self.send_error(call_id, shape)
        except BaseException as problem:
            self.ends(problem)
        else:
            self.send_answer(call_id, payload)

    def context_of(self, invocation_id, deadline, client_context):
        try:
            return LambdaContext(self.fixed, invocation_id, deadline, client_context)
        except Exception as problem:
            raise Fault('LambdaContextUnmarshalError', f'Unable to parse Client Context JSON: {problem}') from None

    def marshal(self, value):
        try:
            return self.serialize(value).encode()
        except Exception as problem:
            raise Fault('MarshalError', f'Unable to marshal response: {problem}') from None

    def send_answer(self, call_id, payload):
        if len(payload) <= self.max_answer_bytes:
            self.channel.answer(call_id, payload)
            return
        error_type = 'Function.ResponseSizeTooLarge'
        message = f'Response payload size exceeded maximum allowed payload size ({self.max_answer_bytes} bytes).'
        self.channel.error(call_id, json.dumps({'errorMessage': message, 'errorType': error_type}).encode(), error_type)

    def send_error(self, call_id, shape):
        payload = json.dumps(shape).encode()
        if len(payload) > self.max_answer_bytes / 3:
            payload = json.dumps({**shape, 'errorMessage': shape['errorMessage'][:65536], 'stackTrace': []}).encode()
        self.channel.error(call_id, payload, shape['errorType'])


def _event_of(text):
    try:
        return _parse(text) if text else {}
    except Exception as problem:
        raise Fault('UnmarshalError', f'Unable to unmarshal input: {problem}') from None


def _become(environment, folder):
    """A generic worker becomes that of one function."""
    for name in list(os.environ):
        if name not in environment:
            del os.environ[name]
    os.environ.update({name: value for name, value in environment.items() if os.environ.get(name) != value})
    time.tzset()
    os.chdir(folder)


def _encoder(execution_environment):
    """AWS's choices: text in UTF-8 from Python 3.12 on and escaped before; NaN passes, though it is no JSON."""
    release = execution_environment.rpartition('python3.')[2]
    return json.JSONEncoder(ensure_ascii=release.isdigit() and int(release) < 12).encode


def main():
    worker = _Worker(python_channel.Channel(3))
    try:
        worker.run()
    except python_channel.Broken as problem:
        print(f'troupe: the node sent {problem}; this worker ends', file=sys.stderr)
        _exit(70)
    except python_channel.Gone:
        _exit(0)
    except BaseException as problem:  # a signal handler of the function raised it, between two calls
        worker.ends(problem)
