#!/usr/bin/env python3
"""moto's S3 server behind a gate: each request's signature is computed anew by botocore's signer, its body is held against the
hash that was signed, and it fails in the ways that a test has asked for.

PUT /-/faults with a JSON list sets what happens to the next requests, one each; PUT /-/faults/BUCKET to those of a bucket:
  "503", "500", "429"   this status, and nothing is done
  "lost"                the request is done, and the connection closed without an answer
  "cut"                 half of the answer's body, then the connection is closed
  "gone"                the connection is closed at once, and nothing is done
  "whole"               all of the object, whatever part was asked for, and cut off like "cut"
  "deaf"                the request's condition is not kept
  "wrong"               a byte of the answer's body is another one
  "pass"                nothing
PUT /-/race with {"when": "PUT /bucket/key", "put": TEXT}: just before the next such request somebody else writes TEXT there;
  "skip" lets so many of them pass before.
GET /-/requests tells of all requests so far: method, path and query, headers, what the gate said.

Usage: s3_server.py PORT_FILE; it ends with its standard input.
"""
import hashlib
import io
import json
import os
import pathlib
import socket
import sys
import threading

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

ACCESS, SECRET, TOKEN = "AKIATEST", "secret/with+odd=characters", "a/session+token=="
faults, races, requests, lock = {"": []}, [], [], threading.Lock()


def refused(environ, body):
    """Why the signature is none; None for a good one."""
    said = environ.get("HTTP_AUTHORIZATION", "")
    if not said.startswith("AWS4-HMAC-SHA256 "):
        return "no signature"
    parts = dict(part.strip().split("=", 1) for part in said.split(" ", 1)[1].split(","))
    access, date, region, service, _ = parts["Credential"].split("/")
    if access != ACCESS:
        return "another access key"
    if service != "s3":
        return f"the service {service}"
    signed = parts["SignedHeaders"].split(";")
    if "host" not in signed or "x-amz-content-sha256" not in signed or "x-amz-date" not in signed:
        return f"signed are only {signed}"
    headers = {}
    for name in signed:
        headers[name] = environ.get("CONTENT_TYPE" if name == "content-type" else "HTTP_" + name.upper().replace("-", "_"), "")
    digest = headers["x-amz-content-sha256"]
    if digest != "UNSIGNED-PAYLOAD" and digest != hashlib.sha256(body).hexdigest():
        return "the body is not what was signed"
    # As it came: WSGI's own path is decoded.
    request = AWSRequest(method=environ["REQUEST_METHOD"], url="http://" + environ["HTTP_HOST"] + environ["RAW_URI"], headers=headers)
    request.context["timestamp"] = headers["x-amz-date"]
    token = TOKEN if "x-amz-security-token" in signed else None
    if headers.get("x-amz-security-token", "") != (token or ""):
        return "another session token"
    signer = S3SigV4Auth(Credentials(ACCESS, SECRET), service, region)
    canonical = signer.canonical_request(request)
    if signer.signature(signer.string_to_sign(request, canonical), request) != parts["Signature"]:
        return "the signature does not match; expected for\n" + canonical
    return None


class Gate:
    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start):
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        if path.startswith("/-/"):
            return self.control(environ, start)
        if path.startswith("/latest/"):
            return self.machine(environ, start)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        why = refused(environ, body)
        with lock:
            waiting = faults.get(path.split("/")[1]) or faults[""]
            fault = waiting.pop(0) if waiting else "pass"
            requests.append({"method": environ["REQUEST_METHOD"], "target": environ["RAW_URI"], "refused": why, "fault": fault,
                             "headers": {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}})
        if why:
            return self.answer(start, "403 Forbidden", f"<Error><Code>SignatureDoesNotMatch</Code><Message>{why.splitlines()[0]}</Message></Error>")
        if fault in ("500", "503", "429"):
            return self.answer(start, f"{fault} Fault", "<Error><Code>SlowDown</Code><Message>please reduce your request rate</Message></Error>")
        if fault == "gone":
            return self.close(environ)
        with lock:
            race = next((one for one in races if one["when"] == f"{environ['REQUEST_METHOD']} {path}"), None)
            if race and race.get("skip", 0) > 0:
                race["skip"] -= 1
                race = None
            elif race:
                races.remove(race)
        if race:
            other = {name: value for name, value in environ.items() if not name.startswith("HTTP_IF_")}
            other.update({"REQUEST_METHOD": "PUT", "wsgi.input": io.BytesIO(race["put"].encode()), "CONTENT_LENGTH": str(len(race["put"])),
                          "HTTP_X_AMZ_META_WEIR_SHA256": hashlib.sha256(race["put"].encode()).hexdigest()})
            list(self.app(other, lambda *_: None))
        if fault == "whole":
            environ.pop("HTTP_RANGE", None)
        if fault == "deaf":
            for name in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"):
                environ.pop(name, None)
        environ["wsgi.input"] = io.BytesIO(body)
        kept = {}

        def keep(status, headers, error=None):
            kept.update(status=status, headers=headers)

        answer = b"".join(self.app(environ, keep))
        if fault == "lost":
            return self.close(environ)
        if fault == "wrong" and answer:
            answer = bytes([answer[0] ^ 1]) + answer[1:]
        if fault in ("cut", "whole") and answer:
            start(kept["status"], kept["headers"])
            return self.half(environ, answer)
        start(kept["status"], kept["headers"])
        return [answer]

    def control(self, environ, start):
        with lock:
            if environ["PATH_INFO"].startswith("/-/faults"):
                faults[environ["PATH_INFO"][10:]] = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
                text = "{}"
            elif environ["PATH_INFO"] == "/-/race":
                races.append(json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
                text = "{}"
            else:
                text = json.dumps(requests)
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text.encode())))])
        return [text.encode()]

    def machine(self, environ, start):
        """A metadata service of a machine, version 2."""
        path, role = environ["PATH_INFO"], "/latest/meta-data/iam/security-credentials/"
        if path == "/latest/api/token" and environ["REQUEST_METHOD"] == "PUT" and environ.get("HTTP_X_AWS_EC2_METADATA_TOKEN_TTL_SECONDS"):
            return self.answer(start, "200 OK", "a-token")
        if environ.get("HTTP_X_AWS_EC2_METADATA_TOKEN") != "a-token":
            return self.answer(start, "401 Unauthorized", "")
        if path == role:
            return self.answer(start, "200 OK", "lake-role\n")
        if path == role + "lake-role":
            return self.answer(start, "200 OK", json.dumps({"Code": "Success", "AccessKeyId": ACCESS, "SecretAccessKey": SECRET, "Token": TOKEN}))
        return self.answer(start, "404 Not Found", "")

    def answer(self, start, status, text):
        text = text.encode()
        start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(text)))])
        return [text]

    def close(self, environ):
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError

    def half(self, environ, answer):
        yield answer[:len(answer) // 2]
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_):
        pass

    def make_environ(self):
        environ = super().make_environ()
        environ["RAW_URI"] = self.path
        return environ


def main():
    os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"] = ACCESS, SECRET
    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, Gate(app), threaded=True, request_handler=Quiet)
    place = pathlib.Path(sys.argv[1])
    place.with_suffix(".new").write_text(str(server.port))
    place.with_suffix(".new").rename(place)
    # Ends with who has started it.
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()


main()
