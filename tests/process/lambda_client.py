"""Debian's own clients of the AWS Lambda API, pointed at a node: /usr/bin/aws, and boto3 of /usr/bin/python3."""
import base64
import hashlib
import hmac
import io
import json
import os
import subprocess
import sys
import zipfile

PYTHON = "/usr/bin/python3"
AWS = "/usr/bin/aws"
ROLE = "arn:aws:iam::000000000000:role/r"
ECHO = "exports.handler = async (event) => event;"


def use_debian_python():
    """Runs the calling script again under the interpreter that has boto3; call it before anything is started."""
    if sys.executable != PYTHON:
        os.execv(PYTHON, [PYTHON, *sys.argv])


def zip_of(files):
    """{path: text}, or the text of an index.js, as the bytes of an archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in ({"index.js": files} if isinstance(files, str) else files).items():
            archive.writestr(path, text)
    return out.getvalue()


def sha256_of(archive):
    """As CodeSha256 says it."""
    return base64.b64encode(hashlib.sha256(archive).digest()).decode()


def environment():
    env = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "TROUPE_"))}
    return {**env, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""}


def aws(node, *arguments, timeout_s=60, stdin=subprocess.DEVNULL):
    """`aws lambda ...`: a CompletedProcess with text output."""
    return subprocess.run([AWS, "--endpoint-url", node.admin_url, "--output", "json", "lambda", *arguments],
                          stdin=stdin, capture_output=True, text=True, timeout=timeout_s, env=environment(),
                          check=False)


def client(node, attempts=1, **settings):
    """A boto3 client that makes `attempts` tries."""
    import boto3  # pylint: disable=import-outside-toplevel
    import botocore.config  # pylint: disable=import-outside-toplevel
    return boto3.client("lambda", endpoint_url=node.admin_url, region_name="us-east-1",
                        aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret",
                        config=botocore.config.Config(retries={"total_max_attempts": attempts}, read_timeout=60,
                                                      **settings))


def create(api, name, files=ECHO, **more):
    return api.create_function(**{"FunctionName": name, "Runtime": "nodejs20.x", "Role": ROLE,
                                  "Handler": "index.handler", "Code": {"ZipFile": zip_of(files)}, **more})


def wait(api, waiter, name):
    """Polls as the waiter would, only faster."""
    api.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 600})


def settled(api, name, files=ECHO, **more):
    """A function that was created and whose first instance has started or failed to."""
    create(api, name, files, **more)
    wait(api, "function_updated_v2", name)
    return api.get_function_configuration(FunctionName=name)


def payload_of(answer):
    return json.loads(answer["Payload"].read())


def code_of(caught):
    """Status and name of a ClientError."""
    response = caught.exception.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def message_of(caught):
    return caught.exception.response["Error"]["Message"]


def sdk_try(node, method, path, body=b"", sdk_id="00000000-0000-4000-8000-000000000001", key="AKIDEXAMPLE"):
    """One try of an SDK's request, by hand: status, headers, parsed body."""
    signature = hmac.new(b"secret", body, "sha256").hexdigest()
    status, headers, answer = node.admin(method, path, body, {
        "amz-sdk-invocation-id": sdk_id, "Content-Type": "application/json",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/lambda/aws4_request, "
                         f"SignedHeaders=host, Signature={signature}"})
    return status, headers, json.loads(answer) if answer else None
