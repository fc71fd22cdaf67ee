"""The logging that a handler finds: the root logger at WARNING with one handler, whose lines become log frames. What is
printed goes out as it is."""
import datetime
import logging
import time

from python_channel import Gone

_LONGEST_LINE = 256 * 1024

channel = None
call_id = 0
invocation_id = ''

_utc_now = datetime.datetime.now
_utc = datetime.timezone.utc


def send(message):
    if message.endswith('\n'):
        message = message[:-1]
    try:
        channel.log(call_id, invocation_id, message[:_LONGEST_LINE])
    except Gone:
        pass  # this process follows as soon as the main thread sees it


def error(shape):
    """The caller's view of a failure, as a line of the log."""
    head = f"{shape['errorType']}: {shape['errorMessage']}" if shape['errorMessage'] else shape['errorType']
    now = _utc_now(_utc).strftime('%Y-%m-%dT%H:%M:%S.%f')[:-3]
    lines = [f'[ERROR]\t{now}Z\t{invocation_id}\t{head}']
    if shape['stackTrace']:
        lines.append('Traceback (most recent call last):')
        for entry in shape['stackTrace']:
            lines.extend(entry.splitlines())
    send('\n'.join(lines))


class LambdaHandler(logging.Handler):
    def emit(self, record):
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
            return
        send(line)  # what a signal handler raises meanwhile is the function's to see


class LambdaFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = invocation_id
        return True


def install(to):
    global channel
    channel = to
    logging.Formatter.converter = time.gmtime
    handler = LambdaHandler()
    handler.setFormatter(logging.Formatter(
        '[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s', '%Y-%m-%dT%H:%M:%S'))
    handler.addFilter(LambdaFilter())
    logging.getLogger().addHandler(handler)
