"""boto3 on a line: makes the calls that come in on stdin, one JSON object each, and answers each with a line of JSON.

{"service", "operation", "input", "region", "key": [id, secret, session token or null], "url"} and "how":
call (default) | pages (all pages of a paginator) | wait (a waiter) | presign (a URL; "method" is the HTTP method).
In an input {"$octets": BASE64} stands for bytes, {"$email": {...}} for a message that Python's own library composes.
"""

import base64
import json
import sys
from email.message import EmailMessage

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore import xform_name

clients = {}


def client_for(call):
    wanted = (call["service"], call["region"], *call["key"], call["url"])
    if wanted not in clients:
        clients[wanted] = boto3.client(
            call["service"],
            region_name=call["region"],
            aws_access_key_id=call["key"][0],
            aws_secret_access_key=call["key"][1],
            aws_session_token=call["key"][2],
            endpoint_url=call["url"],
            config=Config(retries={"total_max_attempts": 1}),
        )
    return clients[wanted]


def special(value):
    if "$octets" in value:
        return base64.b64decode(value["$octets"])
    return compose(value["$email"]) if "$email" in value else value


def compose(parts):
    message = EmailMessage()
    for name, text in parts["headers"].items():
        message[name] = text
    message.set_content(parts["text"])
    if "html" in parts:
        message.add_alternative(parts["html"], subtype="html")
    for attachment in parts.get("attachments", []):
        maintype, subtype = attachment["type"].split("/")
        content = base64.b64decode(attachment["content"])
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=attachment["name"])
    return message.as_bytes()


def answer(call):
    client = client_for(call)
    name = xform_name(call["operation"])
    how = call.get("how", "call")
    if how == "pages":
        return list(client.get_paginator(name).paginate(**call["input"]))
    if how == "wait":
        return client.get_waiter(name).wait(**call["input"])
    if how == "presign":
        return client.generate_presigned_url(name, Params=call["input"], ExpiresIn=60, HttpMethod=call["method"])
    result = getattr(client, name)(**call["input"])
    del result["ResponseMetadata"]
    return result


for line in sys.stdin:
    try:
        reply = {"ok": answer(json.loads(line, object_hook=special))}
    except ClientError as error:
        told = error.response["Error"]
        reply = {
            "error": {
                "exception": type(error).__name__,
                "code": told.get("Code"),
                "message": told.get("Message"),
                "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
                "requestId": error.response["ResponseMetadata"].get("RequestId"),
            }
        }
    except BotoCoreError as error:
        reply = {"error": {"exception": type(error).__name__, "code": None, "message": str(error), "status": None}}
    print(json.dumps(reply, default=str), flush=True)
