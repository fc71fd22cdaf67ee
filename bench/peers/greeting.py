"""A Python function that does what examples/hello does, and sends back what is posted to it."""
import json


def handler(event, context):
    if event["requestContext"]["http"]["method"] == "POST":
        return {"statusCode": 200, "headers": {"content-type": "application/octet-stream"}, "body": event["body"],
                "isBase64Encoded": event["isBase64Encoded"]}
    body = json.dumps({"message": f"Hello, {'world'}!"}, separators=(",", ":"))
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}
