"""From `MODULE.FUNCTION` to a function, as AWS Lambda's Python runtime finds it, and the errors that callers know."""
import importlib
import importlib.machinery
import os
import sys
import traceback


class Fault(Exception):
    """A failure that the runtime itself names."""

    def __init__(self, name, message, trace=()):
        super().__init__(message)
        self.error_type = f'Runtime.{name}'
        self.message = message
        self.trace = list(trace)


def error_shape(problem, invocation_id):
    """What a caller gets of an exception; call it where the exception is handled."""
    if isinstance(problem, Fault):
        return _shape(problem.error_type, problem.message, invocation_id, problem.trace)
    # Our own frames are at the top: one per call from here into the function.
    trace = problem.__traceback__
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return _shape(type(problem).__name__, _words(problem), invocation_id, traceback.format_tb(trace))


def _shape(error_type, message, invocation_id, trace):
    return {'errorMessage': message, 'errorType': error_type, 'requestId': invocation_id, 'stackTrace': trace}


def _words(problem):
    try:
        return str(problem)
    except Exception:
        return f'<{type(problem).__name__} that cannot be shown>'


def _is_ours(file):
    return (os.path.dirname(file) == os.path.dirname(__file__) or file == importlib.__file__ or
            file.startswith('<frozen importlib'))


class _Loader(importlib.machinery.SourceFileLoader):
    """Keeps compiled code beside the code folder, which all instances of a function share and none may change. (With
    sys.pycache_prefix, or with -B, the compiled standard library would be lost as well.)"""

    def _place(self, path):
        if not path.endswith('.pyc') or not path.startswith(_Loader.folder):
            return path
        return f'{_Loader.folder}.pycache{path[len(_Loader.folder):]}'

    def get_data(self, path):
        return super().get_data(self._place(path))

    def set_data(self, path, data, **how):
        super().set_data(self._place(path), data, **how)


def _find_code_in(folder):
    """Makes `folder` the first place of modules."""
    _Loader.folder = folder
    machinery = importlib.machinery
    finder = machinery.FileFinder.path_hook(
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES), (_Loader, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES))

    def hook(path):
        if path != folder and not path.startswith(folder + os.sep):
            raise ImportError(f'only for {folder}', path=path)
        return finder(path)

    sys.path_hooks.insert(0, hook)
    sys.path[0] = folder


def find_handler(folder, handler):
    """The handler function; raises what a caller is to see."""
    _find_code_in(folder)
    module_name, dot, name = handler.rpartition('.')
    if not dot:
        raise Fault('MalformedHandlerName',
                    f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)")
    if module_name.split('.')[0] in sys.builtin_module_names:
        raise Fault('BuiltInModuleConflict', f'Cannot use built-in module {module_name} as a handler module')
    try:
        module = importlib.import_module(module_name.replace('/', '.'))
    except ImportError as problem:
        raise Fault('ImportModuleError', f"Unable to import module '{module_name}': {_words(problem)}") from problem
    except SyntaxError as problem:
        raise Fault('UserCodeSyntaxError', f"Syntax error in module '{module_name}': {problem}",
                    [f'  File "{problem.filename}" Line {problem.lineno}\n    {problem.text}']) from problem
    try:
        return getattr(module, name)
    except AttributeError:
        raise Fault('HandlerNotFound', f"Handler '{name}' missing on module '{module_name}'") from None
