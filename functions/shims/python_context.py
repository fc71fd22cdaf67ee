"""The second argument of a handler."""
import json
import time

import python_logging

_now = time.time


class CognitoIdentity:
    __slots__ = ('cognito_identity_id', 'cognito_identity_pool_id')

    def __init__(self):
        self.cognito_identity_id = None
        self.cognito_identity_pool_id = None

    def __repr__(self):
        return _shown(self)


class Client:
    __slots__ = ('installation_id', 'app_title', 'app_version_name', 'app_version_code', 'app_package_name')

    def __init__(self, given):
        for name in self.__slots__:
            setattr(self, name, given.get(name))

    def __repr__(self):
        return _shown(self)


class ClientContext:
    __slots__ = ('custom', 'env', 'client')

    def __init__(self, given):
        self.custom = given.get('custom')
        self.env = given.get('env')
        client = given.get('client')
        self.client = Client(client) if isinstance(client, dict) else client

    def __repr__(self):
        return _shown(self)


class LambdaContext:
    def __init__(self, fixed, invocation_id, deadline, client_context):
        """@param fixed: members that are the same for every call; client_context: JSON, or empty."""
        self.__dict__.update(fixed)
        self.aws_request_id = invocation_id
        self.client_context = ClientContext(json.loads(client_context)) if client_context else None
        self.identity = CognitoIdentity()
        self._deadline = deadline

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(_now() * 1000))

    def log(self, message):
        python_logging.send(str(message))

    def __repr__(self):
        return f'LambdaContext({self.__dict__})'


def _shown(value):
    members = ','.join(f'{name}={getattr(value, name)!r}' for name in value.__slots__)
    return f'{type(value).__name__}([{members}])'
